import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod, chown, lstat, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '../../errors.ts'
import { syncDirectory } from '../../lib/atomic-file.ts'
import type { Owner } from './run-program.ts'

export type FileOwner = Owner & { mode: number }

/** A whole database file beside its place. */
export interface StagedFile extends AsyncDisposable {
  /** In place of what is there, and without the side files of that: they would be taken for the new file's own. */
  commit(): Promise<void>
}

/** Writes the new file beside its place, with the owner and mode of the old one (`owner` where that is gone). */
export async function stageFile(path: string, content: Readable, owner: FileOwner | undefined): Promise<StagedFile> {
  const staged = join(dirname(path), `.${basename(path)}.xnai-restore-${randomBytes(4).toString('hex')}`)
  const dispose = () => rm(staged, { force: true })
  try {
    await makeFolder(dirname(path), owner)
    await sweep(path)
    await pipeline(content, createWriteStream(staged, { flags: 'wx', mode: 0o600, flush: true }))
    await chownLike(staged, await ownerOf(path, owner))
  } catch (error) {
    content.destroy()
    await dispose()
    throw error
  }
  const commit = async () => {
    await removeSideFiles(path)
    await rename(staged, path)
    await syncDirectory(dirname(path))
  }
  return { commit, [Symbol.asyncDispose]: dispose }
}

/** For a file that is mounted by itself: the mount holds the inode, so its content is replaced. */
export async function rewriteFile(path: string, content: Readable): Promise<void> {
  await removeSideFiles(path)
  await pipeline(content, createWriteStream(path, { flags: 'w', flush: true }))
}

const sideFiles = ['-wal', '-shm', '-journal']

/** A stale log or journal would be played into the new file. */
async function removeSideFiles(path: string): Promise<void> {
  for (const suffix of sideFiles) await rm(path + suffix, { force: true })
  await syncDirectory(dirname(path))
}

/** What a killed restore left. */
async function sweep(path: string): Promise<void> {
  const prefix = `.${basename(path)}.xnai-restore-`
  for (const name of await readdir(dirname(path))) if (name.startsWith(prefix)) await rm(join(dirname(path), name))
}

async function makeFolder(folder: string, owner: FileOwner | undefined): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  for (let made = folder; first !== undefined && owner; made = dirname(made)) {
    await chown(made, owner.uid, owner.gid)
    if (made === first) return
  }
}

/** Of the file that is there; else as given; else of the folder. */
export async function ownerOf(path: string, owner: FileOwner | undefined): Promise<FileOwner> {
  const old = await lstat(path).catch(() => undefined)
  if (old && !old.isFile()) throw new BackupError('RESTORE_REFUSED', `${path} is no file`)
  if (old) return { uid: old.uid, gid: old.gid, mode: old.mode & 0o7777 }
  if (owner) return owner
  const { uid, gid } = await stat(dirname(path))
  return { uid, gid, mode: 0o600 }
}

async function chownLike(path: string, { uid, gid, mode }: FileOwner): Promise<void> {
  await chown(path, uid, gid)
  await chmod(path, mode)
}
