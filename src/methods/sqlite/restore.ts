import { constants } from 'node:fs'
import { lstat, open, rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import { type FileOwner, ownerFor, type StagedFile, stageFile, syncDirectory } from '../../lib/replace-file.ts'
import type { Check, MethodContext, RestoreContext, StoredSnapshot, UndoDetail } from '../method.ts'
import { isMountedAlone, removeCopy } from './copy.ts'
import { type DatabasePlace, makePlace, openPlace } from './place.ts'
import { proveFile } from './prove.ts'
import { sideFiles } from './side-files.ts'
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
    const place = staged.use(makePlace(hostPath, owner))
    if (isMountedAlone(ctx.container, path)) {
      commits.push(async () => rewriteFile(place, await snapshot.open(artifact)))
    } else {
      const file = staged.use(await stageDatabase(place, await snapshot.open(artifact), owner))
      commits.push(file.commit)
    }
  }
  await ctx.service.stop()
  for (const commit of commits) await commit()
  return await proveAll(ctx, snapshot, databases)
}

/** Removes the temporary copy that a killed capture left. */
export async function undo(_ctx: MethodContext, _spec: TargetSpec<'sqlite'>, { folder = '' }: UndoDetail) {
  await removeCopy(folder)
}

/** The folders are opened anew: one that was moved away in the meantime holds what no application finds. */
async function proveAll(ctx: RestoreContext, { facts }: StoredSnapshot, databases: StoredDatabase[]): Promise<Check[]> {
  const checks: Check[] = []
  for (const database of databases) {
    using place = openPlace(database.hostPath)
    const owner = await ownerOfDatabase(place.path, database.owner)
    checks.push(...(await proveFile(ctx, facts, database, place, owner)))
  }
  return checks
}

/**
 * Writes the new database beside its place, with the owner and mode of the old one (`owner` where that is gone). Committing removes the
 * side files of the old one: they would be taken for the new file's own.
 */
async function stageDatabase(
  place: DatabasePlace,
  content: Readable,
  owner: FileOwner | undefined,
): Promise<StagedFile> {
  try {
    const staged = await stageFile(place.path, content, await ownerOfDatabase(place.path, owner))
    const commit = async () => {
      await removeSideFiles(place)
      await staged.commit()
    }
    return { ...staged, commit }
  } catch (error) {
    content.destroy()
    throw error
  }
}

/** Replaces the content of a file that is mounted by itself: the mount holds the inode, so that a rename would not reach it. */
async function rewriteFile(place: DatabasePlace, content: Readable): Promise<void> {
  await removeSideFiles(place)
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants
  const file = await open(place.path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
  await pipeline(content, file.createWriteStream({ flush: true }))
}

/** A stale log or journal would be played into the new file. */
async function removeSideFiles({ path, folder }: DatabasePlace): Promise<void> {
  for (const suffix of sideFiles) await rm(path + suffix, { force: true })
  await syncDirectory(folder)
}

/** The owner of the file that is there, else `owner`, else that of the folder. RESTORE_REFUSED where something else is there. */
async function ownerOfDatabase(path: string, owner: FileOwner | undefined): Promise<FileOwner> {
  const old = await lstat(path).catch(() => undefined)
  if (old && !old.isFile()) throw new BackupError('RESTORE_REFUSED', `${path} is no file`)
  return ownerFor(path, { mode: 0o600, ...(owner && { fallback: owner }) })
}
