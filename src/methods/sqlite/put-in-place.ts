import { createWriteStream } from 'node:fs'
import { chown, lstat, mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '../../errors.ts'
import { type FileOwner, ownerFor, type StagedFile, stageFile, syncDirectory } from '../../lib/replace-file.ts'

/**
 * Writes the new database beside its place, with the owner and mode of the old one (`owner` where that is gone). Committing removes the
 * side files of the old one: they would be taken for the new file's own.
 */
export async function stageDatabase(
  path: string,
  content: Readable,
  owner: FileOwner | undefined,
): Promise<StagedFile> {
  try {
    await makeFolder(dirname(path), owner)
    const staged = await stageFile(path, content, await ownerOf(path, owner))
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

async function makeFolder(folder: string, owner: FileOwner | undefined): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  for (let made = folder; first !== undefined && owner; made = dirname(made)) {
    await chown(made, owner.uid, owner.gid)
    if (made === first) return
  }
}

/** The owner that the restored file gets: that of the file now, else `owner`, else that of the folder. */
export async function ownerOf(path: string, owner: FileOwner | undefined): Promise<FileOwner> {
  const old = await lstat(path).catch(() => undefined)
  if (old && !old.isFile()) throw new BackupError('RESTORE_REFUSED', `${path} is no file`)
  return ownerFor(path, { mode: 0o600, ...(owner && { fallback: owner }) })
}
