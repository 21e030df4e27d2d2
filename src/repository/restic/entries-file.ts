import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '../../errors.ts'
import { hashing } from '../../lib/hash.ts'
import { linesOf } from '../../lib/lines.ts'
import { type EntryOptions, entriesOf } from '../../lib/tree/entries.ts'
import { formatEntry, parseEntry } from '../../lib/tree/identity.ts'
import { pickPaths } from '../../lib/tree/pick.ts'
import type { ListedEntry } from '../tree-reading.ts'
import { explainDamage } from './explain.ts'
import { ENTRIES, HOLDER } from './layout.ts'
import type { StoredArtifact } from './manifest.ts'
import { type Restic, resticStream } from './program.ts'

/** The entries of a stored tree. They are proven only by `writeEntries`. */
export async function* listEntries(
  restic: Restic,
  record: StoredArtifact,
  signal: AbortSignal,
): AsyncGenerator<ListedEntry> {
  try {
    for await (const line of linesOf(await dumpEntries(restic, record, signal))) {
      const { path, type, mode, uid, gid, size, mtimeNs, linkname = '' } = parseEntry(line)
      yield {
        path: record.stored.fileName ?? path,
        ...{ type, mode, uid, gid, size, mtimeNs },
        ...(type === 'symlink' && { linksTo: linkname }),
        ...(type === 'link' && { sharesWith: linkname }),
      }
    }
  } catch (error) {
    throw explainDamage(restic.address.url, error)
  }
}

/** Writes the entries of a stored tree to a new file. Throws SNAPSHOT_DAMAGED where they are not what was stored. */
export async function writeEntries(
  restic: Restic,
  record: StoredArtifact,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const hash = hashing()
  try {
    await pipeline(await dumpEntries(restic, record, signal), hash, createWriteStream(to, { flags: 'wx', mode: 0o600 }))
  } catch (error) {
    throw explainDamage(restic.address.url, error)
  }
  proveEntries(restic, record, hash.digest().sha256)
}

const dumpEntries = (restic: Restic, { stored }: StoredArtifact, signal: AbortSignal) =>
  resticStream(restic, ['dump', stored.snapshot ?? '', `${HOLDER}/${ENTRIES}`], { signal })

/** As `writeEntries`, of a file that restic has restored. */
export async function proveEntriesFile(restic: Restic, record: StoredArtifact, file: string): Promise<void> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  proveEntries(restic, record, hash.digest('hex'))
}

function proveEntries({ address }: Restic, { name, stored }: StoredArtifact, identity: string): void {
  if (identity === stored.identity) return
  throw new BackupError('SNAPSHOT_DAMAGED', `${address.url}: ${name}: its entries are not what was backed up`)
}

/** The entries that were asked for of those in a file, as `formatEntry` writes them, and their digest. */
export interface AskedEntries {
  lines(): AsyncGenerator<string>
  identity: string
}

/** Throws NO_SUCH_SNAPSHOT where a path of `only` is not in the tree. */
export async function askedEntries(
  file: string,
  { stored: { fileName } }: StoredArtifact,
  only: string[] | undefined,
): Promise<AskedEntries> {
  const pick = pickPaths(only)
  const hash = createHash('sha256')
  async function* lines() {
    for await (const line of linesOf(createReadStream(file))) {
      const entry = parseEntry(line)
      if (pick.wants({ ...entry, path: fileName ?? entry.path }) === 'asked') yield `${line}\n`
    }
  }
  for await (const line of lines()) hash.update(line)
  pick.proveFound()
  return { lines, identity: hash.digest('hex') }
}

/** The lines of the entries that a walk finds at `root`, of those that were asked for. A root that is a single file has no name. */
export async function* foundEntries(
  root: string,
  asked: string[] | undefined,
  options: EntryOptions,
): AsyncGenerator<string> {
  const pick = pickPaths(asked)
  for await (const { tree, entry } of entriesOf(root, options))
    if (pick.wants(entry) === 'asked') yield formatEntry(tree.kind === 'file' ? { ...entry, path: '.' } : entry)
}

/** The first line that is not among those found, which MUST come in the same order. */
export async function findMissing(
  lines: AsyncIterable<string>,
  found: AsyncGenerator<string>,
): Promise<string | undefined> {
  for await (const line of lines) {
    for (let next = await found.next(); next.value !== line; next = await found.next()) if (next.done) return line
  }
  await found.return(undefined)
  return undefined
}
