import { copyFileSync, cpSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { formatSums } from '../../src/repository/archive/manifest.ts'

export interface Forgery {
  /** Id of the snapshot whose words it has: time, facts, the digests of trees. */
  said: string
  /** Id of the snapshot whose bytes it has. */
  held: string
  /** Name of an artifact that holds words of the method. */
  words?: string
}

/**
 * Makes the newest snapshot of a target in an archive: it says what `said` says and holds what `held` holds, and its manifest and sums are
 * rewritten, so that every stored byte is as they say. Answers its folder.
 */
export function forgeSnapshot(repository: string, { said, held, words }: Forgery): string {
  const [whole, other] = [folderOf(repository, said), folderOf(repository, held)]
  const id = `${said}-forged`
  const forged = join(dirname(whole), id)
  cpSync(other, forged, { recursive: true })
  const { artifacts: saidOf, ...meta } = manifestOf(whole)
  const { artifacts: heldOf, time: heldAt } = manifestOf(other)
  const time = new Date(Math.max(Date.parse(meta.time), Date.parse(heldAt)) + 1).toISOString()
  const artifacts = heldOf.map((artifact: { name: string; stored: object }, index: number) => {
    const original = saidOf[index]
    if (artifact.name === words) {
      copyFileSync(join(whole, original.stored.file), join(forged, original.stored.file))
      return original
    }
    const { identity } = original?.stored ?? {}
    return { ...artifact, stored: { ...artifact.stored, ...(identity !== undefined && { identity }) } }
  })
  const text = `${JSON.stringify({ ...meta, id, time, artifacts }, undefined, 2)}\n`
  writeFileSync(join(forged, 'manifest.json'), text)
  writeFileSync(join(forged, 'SHA256SUMS'), formatSums(text, artifacts))
  return forged
}

function folderOf(repository: string, id: string): string {
  const [manifest] = globSync(join(repository, '*', '*', id, 'manifest.json'))
  if (manifest === undefined) throw new Error(`no snapshot ${id}`)
  return dirname(manifest)
}

// biome-ignore lint/suspicious/noExplicitAny: tests rewrite what they know
const manifestOf = (folder: string): any => JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
