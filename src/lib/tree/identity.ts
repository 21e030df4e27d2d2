import { createHash } from 'node:crypto'
import { entriesOf } from './entries.ts'
import type { TreeEntry } from './entry.ts'
import { readPieces, readWhole, SMALL_FILE_BYTES } from './read-file.ts'
import type { TreeScope } from './walk.ts'

/** What a tree holds. */
export interface TreeSummary {
  /** Number of entries, the root's own included. */
  entries: number
  /** Sum of the lengths of the files in bytes; an inode with several names counts once. */
  contentBytes: number
}

export interface IdentifiedTree extends TreeSummary {
  /** Canonical digest of the tree: see `identityHash`. Lower-case hex. */
  identity: string
}

/** Takes a tree in, entry by entry. */
export interface IdentityHash {
  /** MUST be called with the entries in the order of a walk. The `size` bytes of its content MUST follow each entry. */
  entry(entry: TreeEntry): void
  content(bytes: Uint8Array): void
  /** Ends the hash, and must be called once. */
  end(): IdentifiedTree
}

/**
 * The canonical digest of a tree: SHA-256 over its entries in the order of a walk, for each a line of JSON and then the bytes of its
 * content. Two trees have the same digest when they are the same in every name, type, mode, owner, time, link, device number,
 * attribute and byte. Holes, allocation and the framing of an archive are not part of it: another file system may choose other ones.
 * A root has no name, so that a tree of a single file is the same under any name.
 */
export function identityHash(): IdentityHash {
  const hash = createHash('sha256')
  const summary: TreeSummary = { entries: 0, contentBytes: 0 }
  return {
    entry: (entry) => {
      hash.update(formatEntry(summary.entries === 0 ? { ...entry, path: '.' } : entry))
      summary.entries++
      summary.contentBytes += entry.size
    },
    content: (bytes) => void hash.update(bytes),
    end: () => ({ ...summary, identity: hash.digest('hex') }),
  }
}

/** One line of JSON with everything of an entry but its content and its holes. */
export function formatEntry(entry: TreeEntry): string {
  const { path, type, mode, uid, gid, size, mtimeNs, linkname = null, device } = entry
  const numbers = device ? [device.major, device.minor] : null
  const attributes = (entry.attributes ?? [])
    .map(([name, value]) => [name, value.toString('base64')])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
  return `${JSON.stringify([path, type, mode, uid, gid, size, String(mtimeNs), linkname, numbers, attributes])}\n`
}

/** What `formatEntry` was given. */
export function parseEntry(line: string): TreeEntry {
  const [path, type, mode, uid, gid, size, mtimeNs, linkname, numbers, attributes] = JSON.parse(line)
  return {
    ...{ path, type, mode, uid, gid, size, mtimeNs: BigInt(mtimeNs) },
    ...(linkname !== null && { linkname }),
    ...(numbers !== null && { device: { major: numbers[0], minor: numbers[1] } }),
    attributes: attributes.map(([name, value]: [string, string]) => [name, Buffer.from(value, 'base64')]),
  }
}

/**
 * Reads a tree, a directory or a single file, for its digest alone, or for that of the entries that `counts` chooses. Throws NOT_STILL when the tree changed meanwhile, and as a walk
 * does for what cannot be read.
 */
export async function identifyTree(
  root: string,
  options: TreeScope & { signal: AbortSignal; counts?: (entry: TreeEntry) => boolean },
): Promise<IdentifiedTree> {
  const { counts = () => true } = options
  const hash = identityHash()
  const small = Buffer.allocUnsafe(SMALL_FILE_BYTES)
  for await (const { tree, found, entry } of entriesOf(root, options)) {
    if (!counts(entry)) continue
    hash.entry(entry)
    if (entry.size > SMALL_FILE_BYTES) {
      for await (const piece of readPieces(tree, found, entry.size, options.signal)) hash.content(piece)
    } else if (entry.size > 0) {
      readWhole(tree, found, small, 0, entry.size)
      hash.content(small.subarray(0, entry.size))
    }
  }
  return hash.end()
}
