import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { linesOf } from '../../lib/lines.ts'
import { type EntryOptions, entriesOf } from '../../lib/tree/entries.ts'
import { formatEntry } from '../../lib/tree/identity.ts'
import { type Found, notStill, type TreeScope, walkTree } from '../../lib/tree/walk.ts'

/** What a walk found in a tree before restic reads it. */
export interface TreeDescription {
  /** SHA-256 of the entries as they are written down. */
  identity: string
  entries: number
  /** Sum of the lengths of the files in bytes; an inode with several names counts once. */
  contentBytes: number
  /** Number of names of regular files. */
  files: number
  /** Number of directories, the root's own included. */
  folders: number
  /** The paths of `only` that are there. */
  present: string[]
}

/** Where a walk writes down what it finds. */
export interface Notes {
  /** The entries with all but their content, in the order of the walk. */
  entries: string
  /** What changes when somebody writes into the tree. */
  states: string
}

/** Writes down the entries of a tree and their state. Throws as a walk does. */
export async function describeTree(root: string, notes: Notes, options: EntryOptions): Promise<TreeDescription> {
  const hash = createHash('sha256')
  const found: TreeDescription = { identity: '', entries: 0, contentBytes: 0, files: 0, folders: 0, present: [] }
  await using entries = await openNotes(notes.entries)
  await using states = await openNotes(notes.states)
  for await (const { found: place, entry } of entriesOf(root, options)) {
    const line = formatEntry(found.entries === 0 ? { ...entry, path: '.' } : entry)
    hash.update(line)
    await entries.add(line)
    await states.add(stateOf(place))
    found.entries++
    found.contentBytes += entry.size
    if (place.stats.isFile()) found.files++
    if (place.stats.isDirectory()) found.folders++
    if (options.only?.includes(entry.path)) found.present.push(entry.path)
  }
  return { ...found, identity: hash.digest('hex') }
}

/** Throws NOT_STILL where a tree is not as it was when its states were written down. */
export async function proveStill(root: string, states: string, scope: TreeScope, signal: AbortSignal): Promise<void> {
  const before = linesOf(createReadStream(states))
  for (const found of walkTree(root, scope)) {
    const { value } = await before.next()
    signal.throwIfAborted()
    if (value === undefined || !isSame(found, value)) throw notStill(found.shown, 'changed')
  }
  const { value } = await before.next()
  if (value !== undefined) throw notStill(`${root}: ${(JSON.parse(value) as string[])[0]}`, 'vanished')
}

/**
 * A name given to the inode of a file or taken from it changes its ctime, and nothing that is kept: databases share immutable files so.
 * The times of a folder are kept.
 */
function isSame(found: Found, before: string): boolean {
  const now = stateOf(found)
  if (`${before}\n` === now) return true
  const [links, changed, ...rest] = (JSON.parse(before) as string[]).toReversed()
  const [linksNow, changedNow, ...restNow] = (JSON.parse(now) as string[]).toReversed()
  const isOnlyLinked = !found.stats.isDirectory() && links !== linksNow
  return rest.join('\n') === restNow.join('\n') && (changed === changedNow || isOnlyLinked)
}

function stateOf({ path, stats }: Found): string {
  const { dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs, nlink } = stats
  return `${JSON.stringify([path, ...[dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs, nlink].map(String)])}\n`
}

const NOTES_BYTES = 64 * 1024

/** A new file that takes lines, and is written in larger pieces. */
async function openNotes(path: string) {
  const file: FileHandle = await open(path, 'wx', 0o600)
  let text = ''
  const flush = async () => {
    await file.writeFile(text)
    text = ''
  }
  return {
    add: async (line: string) => {
      text += line
      if (text.length > NOTES_BYTES) await flush()
    },
    [Symbol.asyncDispose]: async () => {
      await flush()
      await file.close()
    },
  }
}
