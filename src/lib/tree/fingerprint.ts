import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { TreeSummary } from './identity.ts'
import { type Found, type TreeScope, type WalkOptions, walkTree } from './walk.ts'

/** Number of entries after which others get their turn and an abort is heeded. */
const STRIDE = 1000

/**
 * A hash over what changes when anybody writes into the tree: path, device, inode, size, mtime, ctime and mode of every entry. When it
 * is the same before and after a capture, the data stood still. The times of a directory count only where nothing is excluded, because
 * excluded names change them too.
 */
export async function fingerprintTree(root: string, scope: TreeScope, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  const isWhole = (scope.exclude ?? []).length === 0 && !scope.only
  await eachEntry(root, scope, signal, ({ path, stats }) => {
    const { dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs } = stats
    const counts = isWhole || !stats.isDirectory()
    hash.update(`${path}\0${dev} ${ino} ${mode} ${uid} ${gid} ${counts ? `${size} ${mtimeNs} ${ctimeNs}` : ''}\n`)
  })
  return hash.digest('hex')
}

/** What a tree holds now, that is the room that a copy of it needs. Entries that come and go meanwhile are no error. */
export async function treeSize(
  root: string,
  options: Omit<WalkOptions, 'requireStill'>,
  signal: AbortSignal,
): Promise<TreeSummary> {
  const summary: TreeSummary = { entries: 0, contentBytes: 0 }
  const seen = new Set<string>()
  await eachEntry(root, options, signal, ({ stats }) => {
    summary.entries++
    if (!stats.isFile()) return
    if (stats.nlink > 1n) {
      const inode = `${stats.dev}:${stats.ino}`
      if (seen.has(inode)) return
      seen.add(inode)
    }
    summary.contentBytes += Number(stats.size)
  })
  return summary
}

async function eachEntry(
  root: string,
  options: WalkOptions,
  signal: AbortSignal,
  visit: (found: Found) => void,
): Promise<void> {
  let count = 0
  for (const found of walkTree(root, { ...options, requireStill: false })) {
    visit(found)
    if (++count % STRIDE !== 0) continue
    await nextTurn()
    signal.throwIfAborted()
  }
}
