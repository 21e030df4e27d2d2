import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { WholeMethod } from '../../support/whole-method.ts'

/** Two files of a folder that always say the same, unless somebody writes while they are read. */
export const twins = ['one', 'two']

export function writeTwins(folder: string, word: string): void {
  for (const name of twins) writeFileSync(join(folder, name), word)
}

/** What both say; the two words where they differ. */
export function readTwins(folder: string): string {
  const words = twins.map((name) => readFileSync(join(folder, name), 'utf8'))
  return [...new Set(words)].join(' and ')
}

/** Is told before each access to data: `reads /a`, `writes /a`, and in the end `leaves /a`. */
export type OnAccess = (what: string) => void

/** The method `files` for folders of twins. It reads and writes them one after the other, with a step between. */
export function twinFiles(onAccess: OnAccess): WholeMethod<'files'> {
  return {
    kind: 'files',
    needsRunning: false,
    paths: ({ paths }) => paths ?? [],
    async *capture(ctx) {
      for (const path of ctx.paths) {
        const open = async () => Readable.from(read(ctx.hostPath(path), path, onAccess), { objectMode: false })
        yield { kind: 'stream', name: path.slice(1), open }
      }
    },
    async restore(ctx, { quiesce }, snapshot) {
      if (quiesce !== 'none') await ctx.service.stop()
      for (const { name } of snapshot.artifacts) {
        const word = await text(await snapshot.open(name))
        for (const twin of twins) {
          onAccess(`writes /${name}`)
          writeFileSync(join(ctx.hostPath(`/${name}`), twin), word)
        }
        onAccess(`leaves /${name}`)
      }
      return []
    },
    prove: async () => [],
  }
}

async function* read(folder: string, path: string, onAccess: OnAccess): AsyncGenerator<Buffer> {
  const words: string[] = []
  for (const twin of twins) {
    onAccess(`reads ${path}`)
    words.push(readFileSync(join(folder, twin), 'utf8'))
  }
  onAccess(`leaves ${path}`)
  yield Buffer.from([...new Set(words)].join(' and '))
}
