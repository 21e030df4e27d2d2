import { createReadStream, lstatSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { BackupError } from '../../errors.ts'
import { longSeconds } from '../../lib/deadline.ts'
import { linesOf } from '../../lib/lines.ts'
import { runChecked } from '../../lib/process.ts'
import { END_OF_ARCHIVE, encodeHeaders, padding } from '../../lib/tree/headers.ts'
import { parseEntry } from '../../lib/tree/identity.ts'
import { isAtOrBelow } from '../../lib/tree/only.ts'
import { type OpenRoot, shownPath } from '../../lib/tree/open-root.ts'
import { unpackTree } from '../../lib/tree/unpack.ts'
import type { ExtractOptions } from '../tree-reading.ts'
import {
  type AskedEntries,
  askedEntries,
  findMissing,
  foundEntries,
  proveEntriesFile,
  writeEntries,
} from './entries-file.ts'
import { explainDamage } from './explain.ts'
import { DATA, ENTRIES, HOLDER } from './layout.ts'
import { linkAgain } from './link-again.ts'
import type { StoredArtifact } from './manifest.ts'
import { makeWork } from './owners.ts'
import { escapePattern } from './patterns.ts'
import { openPlace } from './place.ts'
import { type Restic, type ResticCall, resticMessages, resticStream } from './program.ts'

/** Puts a stored tree, or paths of it, to the directory `to`, and proves everything of them but their content, which restic has proven. */
export async function extractTree(
  to: string,
  record: StoredArtifact,
  restic: Restic,
  options: ExtractOptions,
): Promise<void> {
  const only = options.only?.includes('.')
    ? undefined
    : options.only?.map((path) => posix.normalize(path).replace(/\/+$/, ''))
  const work = await makeWork(restic, restic.host)
  const extraction = { to, record, restic, work, options, only }
  try {
    const asked = record.isFile ? await extractFile(extraction) : await extractFolder(extraction)
    if (options.only) options.onPart?.(asked.identity)
    await runChecked('sync', ['-f', '--', to], { signal: options.signal, timeoutSeconds: longSeconds })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

interface Extraction {
  to: string
  record: StoredArtifact
  restic: Restic
  /** A folder for what is needed on the way. */
  work: string
  options: ExtractOptions
  /** Absent: the whole tree. */
  only: string[] | undefined
}

async function extractFolder(extraction: Extraction): Promise<AskedEntries> {
  const { to, record, restic, work, options, only } = extraction
  const { signal } = options
  const entries = join(work, ENTRIES)
  if (only) await writeEntries(restic, record, entries, signal)
  const wanted = only && (await askedEntries(entries, record, only))
  await restore(extraction)
  if (!only) await proveEntriesFile(restic, record, entries)
  const asked = wanted ?? (await askedEntries(entries, record, undefined))
  await linkAgain(to, asked, signal)
  const missing = await findMissing(asked.lines(), foundEntries(to, only, { signal, ...(only && { only }) }))
  if (missing === undefined) return asked
  const { path } = parseEntry(missing)
  throw new BackupError('RESTORE_FAILED', `${join(shownPath(to), path)} did not come back as it was`, {
    hint: 'Does the file system that is restored to hold owners, extended attributes and ACLs, and does nothing write there?',
  })
}

/** Folders on the way to a path that was asked for stay as they are where they exist: restic begins below them. */
async function restore({ to, record, restic, work, options, only }: Extraction): Promise<void> {
  const { signal, onBytes = () => {} } = options
  const { snapshot } = record.stored
  using place = openPlace(to)
  if (place.tree.kind === 'file')
    throw new BackupError('RESTORE_REFUSED', `${shownPath(to)} is a file, the snapshot holds a directory`)
  const jail = { tree: place.descriptor, place: DATA, writable: true, folders: { [HOLDER]: work } }
  const call = { signal, jail }
  const flags = ['restore', '--sparse']
  if (!only) return await follow(restic, [...flags, `${snapshot}:${HOLDER}`, '--target', HOLDER], call, onBytes)
  for (const [folder, paths] of byFolder(place.tree, only)) {
    const inside = folder === '.' ? DATA : `${DATA}/${folder}`
    const includes = paths.flatMap((path) => ['--include', `/${escapePattern(posix.relative(folder, path))}`])
    await follow(restic, [...flags, `${snapshot}:${inside}`, '--target', inside, ...includes], call, onBytes)
  }
}

async function follow(
  restic: Restic,
  args: string[],
  call: ResticCall,
  onBytes: (count: number) => void,
): Promise<void> {
  let told = 0
  try {
    for await (const { bytes_restored: bytes = 0 } of resticMessages(restic, args, call)) {
      onBytes(Math.max(Number(bytes) - told, 0))
      told = Math.max(Number(bytes), told)
    }
  } catch (error) {
    throw explainRestore(restic.address.url, error)
  }
}

/** restic says in words only whether the repository or the place of the restore is at fault. */
function explainRestore(url: string, error: unknown): unknown {
  const failure = explainDamage(url, error)
  const isHere =
    /permission denied|operation not (permitted|supported)|read-only file system|file exists|is a directory|not empty/i
  if (failure.code !== 'SNAPSHOT_DAMAGED' || !isHere.test(failure.message)) return failure
  return new BackupError('RESTORE_FAILED', failure.message, { cause: error })
}

/** The paths by the deepest folder on their way that exists. What lies below another one comes with it. */
function byFolder(tree: OpenRoot, only: string[]): Map<string, string[]> {
  const folders = new Map<string, string[]>()
  for (const path of only.filter((one) => !only.some((other) => other !== one && isAtOrBelow(one, other)))) {
    let folder = '.'
    for (const name of path.split('/').slice(0, -1)) {
      const next = posix.join(folder, name)
      if (!lstatSync(tree.at(next), { throwIfNoEntry: false })?.isDirectory()) break
      folder = next
    }
    folders.set(folder, [...(folders.get(folder) ?? []), path])
  }
  return folders
}

/** A single file may be mounted by itself, and is rewritten in place then: restic would make another one. */
async function extractFile({ to, record, restic, work, options, only }: Extraction): Promise<AskedEntries> {
  const { signal, onBytes = () => {} } = options
  const entries = join(work, ENTRIES)
  await writeEntries(restic, record, entries, signal)
  const asked = await askedEntries(entries, record, only)
  await unpackTree(tarOfFile({ record, restic, entries, signal, onBytes }), to, { signal, ...(only && { only }) })
  return asked
}

/** A tar stream of the file, with the content that restic gives. */
async function* tarOfFile(how: {
  record: StoredArtifact
  restic: Restic
  entries: string
  signal: AbortSignal
  onBytes: (count: number) => void
}): AsyncGenerator<Buffer> {
  const { fileName = '', snapshot } = how.record.stored
  const { value: line = '' } = await linesOf(createReadStream(how.entries)).next()
  const entry = { ...parseEntry(line), path: fileName }
  yield encodeHeaders(entry)
  const content = await resticStream(how.restic, ['dump', snapshot ?? '', DATA], { signal: how.signal })
  try {
    for await (const piece of content as AsyncIterable<Buffer>) {
      how.onBytes(piece.length)
      yield piece
    }
  } catch (error) {
    throw explainDamage(how.restic.address.url, error)
  }
  yield Buffer.alloc(padding(entry.size))
  yield END_OF_ARCHIVE
}
