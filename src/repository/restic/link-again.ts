import { linkSync, lstatSync, rmSync } from 'node:fs'
import { posix } from 'node:path'
import { parseEntry } from '../../lib/tree/identity.ts'
import { metadataWriter } from '../../lib/tree/metadata.ts'
import { type OpenRoot, openRoot } from '../../lib/tree/open-root.ts'
import type { AskedEntries } from './entries-file.ts'

/** Makes hard links of what restic has restored as files of their own: it links regular files only, and no symlinks, FIFOs or devices. */
export async function linkAgain(root: string, asked: AskedEntries, signal: AbortSignal): Promise<void> {
  const touched = new Set<string>()
  using tree = openRoot(root)
  // The two paths may lie in different folders, and an open root holds those of one path only.
  using targets = openRoot(root)
  for await (const line of asked.lines()) {
    const { path, type, linkname = '' } = parseEntry(line)
    if (type !== 'link' || inodeOf(tree, path) === inodeOf(targets, linkname)) continue
    rmSync(tree.at(path))
    linkSync(targets.at(linkname), tree.at(path))
    touched.add(posix.dirname(path))
  }
  if (touched.size > 0) await setTimes(tree, asked, touched, signal)
}

const inodeOf = (tree: OpenRoot, path: string): bigint | undefined =>
  lstatSync(tree.at(path), { bigint: true, throwIfNoEntry: false })?.ino

/** The folders in which links were made again had their times from restic. */
async function setTimes(
  tree: OpenRoot,
  asked: AskedEntries,
  folders: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  const metadata = metadataWriter(tree, signal)
  try {
    for await (const line of asked.lines()) {
      const { path, mtimeNs } = parseEntry(line)
      if (folders.has(path)) await metadata.add({ path, mtimeNs })
    }
    await metadata.end()
  } catch (error) {
    await metadata.abandon()
    throw error
  }
}
