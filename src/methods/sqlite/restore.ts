import { createWriteStream } from 'node:fs'
import { chown, lstat, mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import { type FileOwner, ownerFor, type StagedFile, stageFile, syncDirectory } from '../../lib/replace-file.ts'
import type { Check, MethodContext, RestoreContext, StoredSnapshot, UndoDetail } from '../method.ts'
import { isMountedAlone, removeCopy } from './copy.ts'
import { proveFile } from './prove.ts'
import { databasesOf, type StoredDatabase } from './stored-databases.ts'

/** Writes the databases beside their places, stops the service, puts them in place, and compares them with what was captured. */
export async function restore(
  ctx: RestoreContext,
  _spec: TargetSpec<'sqlite'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const databases = databasesOf(ctx, snapshot)
  await using staged = new AsyncDisposableStack()
  const commits: (() => Promise<void>)[] = []
  for (const { artifact, path, hostPath, owner } of databases) {
    if (isMountedAlone(ctx.container, path)) {
      commits.push(async () => rewriteFile(hostPath, await snapshot.open(artifact)))
    } else {
      const file = staged.use(await stageDatabase(hostPath, await snapshot.open(artifact), owner))
      commits.push(file.commit)
    }
  }
  await ctx.service.stop()
  for (const commit of commits) await commit()
  return proveAll(ctx, snapshot, databases)
}

/** Removes the temporary copy that a killed capture left. */
export async function undo(_ctx: MethodContext, _spec: TargetSpec<'sqlite'>, { folder = '' }: UndoDetail) {
  await removeCopy(folder)
}

async function proveAll(ctx: RestoreContext, { facts }: StoredSnapshot, databases: StoredDatabase[]): Promise<Check[]> {
  const checks: Check[] = []
  for (const database of databases) {
    const owner = await ownerOfDatabase(database.hostPath, database.owner)
    checks.push(...(await proveFile(ctx, facts, database, owner)))
  }
  return checks
}

/**
 * Writes the new database beside its place, with the owner and mode of the old one (`owner` where that is gone). Committing removes the
 * side files of the old one: they would be taken for the new file's own.
 */
async function stageDatabase(path: string, content: Readable, owner: FileOwner | undefined): Promise<StagedFile> {
  try {
    await makeFolder(dirname(path), owner)
    const staged = await stageFile(path, content, await ownerOfDatabase(path, owner))
    const commit = async () => {
      await removeSideFiles(path)
      await staged.commit()
    }
    return { ...staged, commit }
  } catch (error) {
    content.destroy()
    throw error
  }
}

/** Replaces the content of a file that is mounted by itself: the mount holds the inode, so that a rename would not reach it. */
async function rewriteFile(path: string, content: Readable): Promise<void> {
  await removeSideFiles(path)
  await pipeline(content, createWriteStream(path, { flags: 'w', flush: true }))
}

/** What SQLite keeps beside a database, as endings of its name. */
export const sideFiles = ['-wal', '-shm', '-journal']

/** A stale log or journal would be played into the new file. */
async function removeSideFiles(path: string): Promise<void> {
  for (const suffix of sideFiles) await rm(path + suffix, { force: true })
  await syncDirectory(dirname(path))
}

async function makeFolder(folder: string, owner: FileOwner | undefined): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  for (let made = folder; first !== undefined && owner; made = dirname(made)) {
    await chown(made, owner.uid, owner.gid)
    if (made === first) return
  }
}

/** The owner of the file that is there, else `owner`, else that of the folder. RESTORE_REFUSED where something else is there. */
async function ownerOfDatabase(path: string, owner: FileOwner | undefined): Promise<FileOwner> {
  const old = await lstat(path).catch(() => undefined)
  if (old && !old.isFile()) throw new BackupError('RESTORE_REFUSED', `${path} is no file`)
  return ownerFor(path, { mode: 0o600, ...(owner && { fallback: owner }) })
}
