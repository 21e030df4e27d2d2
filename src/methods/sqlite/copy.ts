import { constants } from 'node:fs'
import { chown, lstat, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { asBackupError, BackupError } from '../../errors.ts'
import { freeBytes } from '../../lib/free-space.ts'
import type { FileOwner } from '../../lib/replace-file.ts'
import type { MethodContext } from '../method.ts'
import { refuseFull } from '../shared/room.ts'
import { type DatabasePlace, openPlace } from './place.ts'
import type { DatabaseReport } from './report.ts'
import { runAsOwner } from './run-program.ts'

/** A consistent copy of a live database. Its file has no name any more, so that nothing of it can stay behind. */
export interface DatabaseCopy extends AsyncDisposable {
  report: DatabaseReport
  /** Owner and mode of the original. */
  owner: FileOwner
  /** The bytes of the file. It MUST be called once at most. */
  stream(): Readable
}

const folderPrefix = () => join(tmpdir(), 'xnai-backup-sqlite-')

/**
 * Copies the database at `path` of the container. The copy is made in the temporary folder of this process and not beside the
 * database: the service's volume may be small, and other targets may watch it.
 */
export async function copyDatabase(ctx: MethodContext, path: string): Promise<DatabaseCopy> {
  return copyFile(ctx, { source: ctx.hostPath(path), path, alone: isRunningAlone(ctx, path) })
}

/** Copies the database file `source`. Messages name it `path`. `alone` is for one that may have a log which is not visible here. */
export async function copyFile(
  ctx: MethodContext,
  { source, path, alone = false }: { source: string; path: string; alone?: boolean },
): Promise<DatabaseCopy> {
  using place = openSource(source, path)
  const { size, ...owner } = await describeFile(place.path, path)
  await refuseFullTemporary(size, path)
  const folder = await mkdtemp(folderPrefix())
  using _undo = ctx.recordUndo({ folder })
  try {
    if (owner.uid !== process.getuid?.()) await chown(folder, owner.uid, owner.gid)
    const task = { action: 'copy', into: folder, alone } as const
    const report = await runAsOwner(owner, place, task, { bytes: size, path, signal: ctx.signal })
    const file = await open(join(folder, 'copy'), constants.O_RDONLY | constants.O_NOFOLLOW)
    return {
      report,
      owner,
      stream: () => file.createReadStream({ autoClose: false }),
      [Symbol.asyncDispose]: () => file.close(),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Removes the folder of a copy that a killed run left. Any other folder is left alone. */
export async function removeCopy(folder: string): Promise<void> {
  if (folder.startsWith(folderPrefix())) await rm(folder, { recursive: true, force: true })
}

/** DUMP_FAILED where the folder is missing. */
function openSource(source: string, path: string): DatabasePlace {
  try {
    return openPlace(source)
  } catch (error) {
    if (asBackupError(error).code !== 'PATH_UNREACHABLE') throw error
    throw noDatabase(path, 'does not exist')
  }
}

/** DUMP_FAILED where there is no regular file. */
async function describeFile(source: string, path: string): Promise<FileOwner & { size: number }> {
  const stats = await lstat(source).catch(() => undefined)
  if (stats?.isFile()) return { uid: stats.uid, gid: stats.gid, mode: stats.mode & 0o7777, size: stats.size }
  throw noDatabase(path, stats ? 'is no file' : 'does not exist')
}

function noDatabase(path: string, what: string): BackupError {
  const hint = 'xnai.backup.paths names the database file itself, as the container sees it, and no symbolic link.'
  return new BackupError('DUMP_FAILED', `${path} ${what}`, { hint })
}

async function refuseFullTemporary(needed: number, path: string): Promise<void> {
  const explain = (free: number) => `the copy of ${path} needs ${needed} bytes, ${tmpdir()} has ${free} free`
  const hint = 'Set TMPDIR of the controller to a folder with room for the largest database.'
  refuseFull({ needed, free: await freeBytes(tmpdir()) }, explain, hint)
}

/** Whether the running application may keep a log beside the database that is only in the container. */
function isRunningAlone({ container }: MethodContext, path: string): boolean {
  return container.state !== 'stopped' && isMountedAlone(container, path)
}

/** Whether the file itself is mounted, and not a folder above it. */
export const isMountedAlone = ({ mounts }: MethodContext['container'], path: string): boolean =>
  mounts.some(({ destination, kind }) => destination === path && kind !== 'other')
