import { chmodSync, lchownSync, lstatSync, mkdirSync } from 'node:fs'
import { BackupError } from '../../errors.ts'
import type { TreeEntry } from './entry.ts'
import type { MetadataWriter } from './metadata.ts'

export interface FolderStack {
  /** Makes sure that the folders above `path` are real directories, and answers the absolute path of `path`. */
  enter(path: string): Promise<string>
  /** Answers the absolute path of an entry that was written before. Throws where a folder above it is no real directory. */
  locate(path: string): string
  /** Takes a directory of the archive that exists now. Its attributes are put on when all below it is written. */
  push(entry: TreeEntry): void
  leaveAll(): Promise<void>
}

interface OpenFolder {
  path: string
  entry?: TreeEntry
}

/** Holds the directories on the way to the current entry. An archive comes depth first, so that a directory that is left is complete. */
export function folderStack(to: string, metadata: MetadataWriter): FolderStack {
  const stack: OpenFolder[] = [{ path: '.' }]
  const absolute = (path: string) => (path === '.' ? to : `${to}/${path}`)
  const leave = async () => {
    const { path, entry } = stack.pop() as OpenFolder
    if (!entry) return
    lchownSync(absolute(path), entry.uid, entry.gid)
    chmodSync(absolute(path), entry.mode)
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
        makeFolder(absolute(folder))
        stack.push({ path: folder })
      }
      return absolute(path)
    },
    locate: (path) => {
      for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
        if (!lstatSync(absolute(path.slice(0, end))).isDirectory()) throw throughNoDirectory(path)
      }
      return absolute(path)
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
function makeFolder(absolute: string): void {
  const stats = lstatSync(absolute, { throwIfNoEntry: false })
  if (!stats) mkdirSync(absolute, 0o755)
  else if (!stats.isDirectory()) throw throughNoDirectory(absolute)
}

function throughNoDirectory(path: string): BackupError {
  return new BackupError('SNAPSHOT_DAMAGED', `the archive leads through something that is no directory: ${path}`)
}
