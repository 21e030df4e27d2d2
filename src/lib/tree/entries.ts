import { readlinkSync } from 'node:fs'
import { BackupError } from '../../errors.ts'
import { type AttributeReader, readAttributes } from './attributes.ts'
import { type Attribute, splitDevice, type TreeEntry, typeOf } from './entry.ts'
import { type OpenRoot, openRoot } from './open-root.ts'
import { type Found, readFailure, type TreeScope, walkTree } from './walk.ts'

export interface EntryOptions extends TreeScope {
  signal: AbortSignal
  /** Is told of what cannot be kept, by name: a socket, a nested mount. */
  onWarning?: (text: string) => void
}

export interface FoundEntry {
  /** By which the entry is reached. */
  tree: OpenRoot
  found: Found
  entry: TreeEntry
}

/** Number of entries whose attributes are asked for at once; the length of a command line bounds it too. */
const BATCH_ENTRIES = 2000
const BATCH_PATH_BYTES = 512 * 1024

/**
 * The entries of a tree with everything that is kept of them but content, in the order of a walk. It reads the attributes of the next
 * batch while the caller works on the one before. Memory does not grow with the tree, but for inodes with several names.
 */
export async function* entriesOf(root: string, options: EntryOptions): AsyncGenerator<FoundEntry> {
  using tree = openRoot(root)
  using walk = walkTree(root, options)
  const links = linkTable()
  const begin = () => beginBatch(tree, walk, options.signal)
  let batch = begin()
  let next: Batch | undefined
  try {
    while (batch) {
      next = begin()
      for (const found of batch.entries) {
        const attributes = await batch.attributes.of(found.path)
        yield { tree, found, entry: describe(tree, found, links, attributes) }
      }
      await batch.attributes.end()
      batch = next
    }
  } finally {
    await Promise.all([batch?.attributes.abandon(), next?.attributes.abandon()])
  }
}

interface Batch {
  entries: Found[]
  attributes: AttributeReader
}

/** Answers undefined after the last entry. */
function beginBatch(tree: OpenRoot, walk: Generator<Found, void, void>, signal: AbortSignal): Batch | undefined {
  signal.throwIfAborted()
  const entries = takeBatch(walk)
  if (entries.length === 0) return undefined
  const paths = entries.map(({ path }) => path)
  return { entries, attributes: readAttributes(tree, paths, signal) }
}

function takeBatch(walk: Generator<Found, void, void>): Found[] {
  const batch: Found[] = []
  for (let bytes = 0; batch.length < BATCH_ENTRIES && bytes < BATCH_PATH_BYTES; ) {
    const { value } = walk.next()
    if (!value) break
    batch.push(value)
    bytes += value.path.length
  }
  return batch
}

/** Paths of inodes that have more than one name, each until its last name was seen. */
function linkTable() {
  const open = new Map<string, { path: string; left: bigint }>()
  /** The path under which the inode was seen before. */
  return ({ path, stats }: Found): string | undefined => {
    if (stats.nlink < 2n || stats.isDirectory()) return undefined
    const key = `${stats.dev}:${stats.ino}`
    const known = open.get(key)
    if (!known) return void open.set(key, { path, left: stats.nlink - 1n })
    known.left--
    if (known.left === 0n) open.delete(key)
    return known.path
  }
}

function describe(
  tree: OpenRoot,
  found: Found,
  links: ReturnType<typeof linkTable>,
  attributes: Attribute[] | undefined,
): TreeEntry {
  const { path, stats } = found
  const type = typeOf(stats)
  if (!type) throw new BackupError('TREE_UNSUPPORTED', `${found.shown}: a file of a kind that no archive holds`)
  const base = {
    path,
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: stats.mtimeNs,
    size: 0,
  }
  const linkname = links(found)
  if (linkname !== undefined) return { ...base, type: 'link', linkname }
  const entry: TreeEntry = { ...base, type, ...(attributes && { attributes }) }
  if (type === 'symlink') entry.linkname = readLink(tree, found)
  if (type === 'character-device' || type === 'block-device') entry.device = splitDevice(stats.rdev)
  if (type === 'file') {
    entry.size = Number(stats.size)
    entry.sparse = stats.blocks * 512n < stats.size
  }
  return entry
}

function readLink(tree: OpenRoot, found: Found): string {
  try {
    const bytes = readlinkSync(tree.at(found.path), 'buffer')
    const text = bytes.toString()
    if (Buffer.from(text).equals(bytes)) return text
  } catch (error) {
    throw readFailure(found.shown, error)
  }
  throw new BackupError('TREE_UNSUPPORTED', `${found.shown}: the symbolic link's text is not UTF-8`)
}
