import { chmodSync, chownSync, lstatSync, mkdirSync } from 'node:fs'
import { BackupError } from '../../errors.ts'
import type { TreeEntry } from './entry.ts'
import type { MetadataWriter } from './metadata.ts'
import type { OpenRoot } from './open-root.ts'

export interface FolderStack {
  /** Makes sure that the folders above `path` are real directories, and answers the path by which `path` is reached now. */
  enter(path: string): Promise<string>
  /** Takes a directory of the archive that exists now. Its attributes are put on when all below it is written. */
  push(entry: TreeEntry): void
  leaveAll(): Promise<void>
}

interface OpenFolder {
  path: string
  entry?: TreeEntry
}

/**
 * Holds the directories on the way to the current entry. An archive comes depth first, so that a directory that is left is
 * complete.
 */
export function folderStack(tree: OpenRoot, metadata: MetadataWriter): FolderStack {
  const stack: OpenFolder[] = [{ path: '.' }]
  const leave = async () => {
    const { path, entry } = stack.pop() as OpenFolder
    if (!entry) return
    const folder = tree.folder(path)
    chownSync(folder, entry.uid, entry.gid)
    chmodSync(folder, entry.mode)
    await metadata.add(entry)
  }
  const top = () => (stack.at(-1) as OpenFolder).path
  return {
    enter: async (path) => {
      const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.'
      while (top() !== '.' && top() !== parent && !parent.startsWith(`${top()}/`)) await leave()
      while (top() !== parent) {
        const next = parent.indexOf('/', top() === '.' ? 0 : top().length + 1)
        const folder = next < 0 ? parent : parent.slice(0, next)
        makeFolder(tree, folder)
        stack.push({ path: folder })
      }
      return tree.at(path)
    },
    push: (entry) => {
      if (entry.path === '.') stack[0] = { path: '.', entry }
      else stack.push({ path: entry.path, entry })
    },
    leaveAll: async () => {
      while (stack.length > 0) await leave()
    },
  }
}

/** Makes a folder that has no entry before what lies in it, as in archives of other programs. */
function makeFolder(tree: OpenRoot, path: string): void {
  const place = tree.at(path)
  const stats = lstatSync(place, { throwIfNoEntry: false })
  if (!stats) mkdirSync(place, 0o755)
  else if (!stats.isDirectory()) throw throughNoDirectory(`${tree.shown}/${path}`)
}

export function throughNoDirectory(path: string): BackupError {
  return new BackupError('SNAPSHOT_DAMAGED', `the archive leads through something that is no directory: ${path}`)
}
