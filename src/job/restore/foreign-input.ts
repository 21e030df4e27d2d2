import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { BackupError } from '../../errors.ts'
import { runChecked } from '../../lib/process.ts'
import type { ForeignEntry, ForeignInput } from '../../methods/method.ts'
import { isArchive } from '../../methods/shared/foreign.ts'
import type { Parts } from '../job.ts'
import { findHostPlace } from './host-place.ts'

const unpackSeconds = 6 * 3600
/** How deeply folders and archives may be nested. */
const deepest = 4

/** What lies at a path. Archives are unpacked into a folder that disposing removes. */
export interface OpenedInput extends ForeignInput, AsyncDisposable {
  /** The modification time of the file or folder that was named. */
  time: Date
}

/** Opens a path of the host. Throws USAGE where nothing is there, and the errors of `findHostPlace`. */
export async function openInput(
  parts: Pick<Parts, 'ownPath' | 'ownMounts' | 'catalog'>,
  name: string,
  signal: AbortSignal,
): Promise<OpenedInput> {
  const { path } = await findHostPlace(parts, '--from', name)
  const { mtime } = await stat(path).catch((cause) => {
    const hint = 'Nothing was touched. The path is one of the host, and none of the container of the controller.'
    throw new BackupError('USAGE', `--from ${name}: there is no such file or folder`, { hint, cause })
  })
  const scratch = `${scratchPrefix()}${randomBytes(6).toString('hex')}`
  const intent = parts.catalog.addIntent({ kind: 'remove-scratch', folder: scratch })
  const dispose = async () => {
    await removeScratch(scratch)
    parts.catalog.dropIntent(intent)
  }
  try {
    await mkdir(scratch, { mode: 0o700 })
    const entries = await listEntries(path, basename(name), { scratch, signal })
    return { name, time: mtime, entries, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

const scratchPrefix = () => join(tmpdir(), 'xnai-backup-import-')

/** Removes the folder of an import, be it its own or that of a killed run. */
export async function removeScratch(folder: string): Promise<void> {
  if (folder.startsWith(scratchPrefix())) await rm(folder, { recursive: true, force: true })
}

/** `name` is that of the path which was given, be it a link to another one. */
async function listEntries(
  path: string,
  name: string,
  { scratch, signal }: { scratch: string; signal: AbortSignal },
): Promise<ForeignEntry[]> {
  const entry = { path, name, isDirectory: (await stat(path)).isDirectory() }
  return [entry, ...(await listWithin(entry, scratch, signal, deepest))]
}

/** Lists what a folder or an archive holds, including archives inside it: the daily archive of a runbook holds some. */
async function listWithin(
  entry: ForeignEntry,
  scratch: string,
  signal: AbortSignal,
  depth: number,
): Promise<ForeignEntry[]> {
  if (depth === 0 || !(entry.isDirectory || isArchive(entry))) return []
  const folder = entry.isDirectory ? entry.path : await unpack(entry.path, scratch, signal)
  const found = (await readdir(folder, { withFileTypes: true })).filter((one) => one.isFile() || one.isDirectory())
  const entries = found.map((one) => ({ path: join(folder, one.name), name: one.name, isDirectory: one.isDirectory() }))
  const below: ForeignEntry[][] = []
  for (const entry of entries) below.push(await listWithin(entry, scratch, signal, depth - 1))
  return [...entries, ...below.flat()]
}

async function unpack(path: string, scratch: string, signal: AbortSignal): Promise<string> {
  const folder = await mkdtemp(join(scratch, 'tar-'))
  const flags = ['--extract', '--numeric-owner', '--same-permissions', '--acls', '--xattrs']
  await runChecked('tar', [...flags, '--file', path, '--directory', folder], { signal, timeoutSeconds: unpackSeconds })
  return folder
}
