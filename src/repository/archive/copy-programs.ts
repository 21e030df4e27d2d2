import { basename, dirname } from 'node:path'
import { jailed } from '../../lib/jail.ts'
import { closeStream, type ProgramResult, programStream, type RunOptions, runChecked } from '../../lib/process.ts'
import { type OpenRoot, openRoot } from '../../lib/tree/open-root.ts'
import type { TreeArtifact } from '../repository.ts'

/** The copy of a tree in the staging of the repository. */
export interface TreeCopy {
  tree: TreeArtifact
  folder: string
  /** A file beside the copy. What changed at or after its time may have been missed by the newest pass. */
  mark: string
}

/** The place of the staging in the jail. */
const STAGING = '/staging'

/** The path in the jail of something that lies directly in the staging. */
export const placeInStaging = (path: string): string => `${STAGING}/${basename(path)}`

/** The command line of a program that reads the tree and writes the staging, and sees nothing else. */
export function inTree(source: OpenRoot, copy: TreeCopy, program: string, args: string[]): [string, string[]] {
  const folders = { [STAGING]: dirname(copy.folder) }
  return jailed({ tree: source.descriptor, writable: false, folders }, program, args)
}

/** Runs such a program to its end, as `runChecked` does. */
export async function runInTree(
  copy: TreeCopy,
  program: string,
  args: string[],
  options: RunOptions,
): Promise<ProgramResult> {
  using source = openRoot(copy.tree.root)
  return await runChecked(...inTree(source, copy, program, args), options)
}

/** What `find` prints in the tree, text by text, each of which ends with a NUL. */
export async function* findInTree(copy: TreeCopy, args: string[], signal: AbortSignal): AsyncGenerator<string> {
  using source = openRoot(copy.tree.root)
  const stream = programStream(...inTree(source, copy, 'find', args), { signal }).setEncoding('utf8')
  let rest = ''
  try {
    for await (const piece of stream as AsyncIterable<string>) {
      const texts = (rest + piece).split('\0')
      rest = texts.pop() ?? ''
      yield* texts
    }
  } finally {
    await closeStream(stream)
  }
}
