import { randomBytes } from 'node:crypto'
import { lstat, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'

/** The owner of a file and its permission bits. */
export interface FileOwner {
  uid: number
  gid: number
  /** Permission bits without the file type, such as 0o644. */
  mode: number
}

/** A complete new file under a temporary name in the folder of the file that it will replace. Disposing it removes it. */
export interface StagedFile extends AsyncDisposable {
  /** The temporary path. */
  path: string
  /**
   * Renames the new file over the old one and makes that durable. After a kill or a power loss the path holds the whole old file or
   * the whole new one. It MUST be called once at most.
   */
  commit(): Promise<void>
}

/**
 * Writes the new content of `path` beside it: the content, the owner and the mode are on disk when this returns, and `path` itself is
 * untouched until `commit`. After an error nothing is left, and `content` is destroyed.
 *
 * What an earlier process staged for the same path and did not commit, because it was killed, is removed first. Two processes therefore
 * MUST NOT stage the same path at the same time.
 */
export async function stageFile(path: string, content: Readable | string, owner: FileOwner): Promise<StagedFile> {
  const staged = join(dirname(path), stagedPrefix(path) + randomBytes(4).toString('hex'))
  const dispose = () => rm(staged, { force: true })
  try {
    await removeLeftovers(path)
    // All through one handle: the folder may belong to a container, which could put a link in the place of the name.
    await using file = await open(staged, 'wx', 0o600)
    await file.writeFile(content)
    await file.chown(owner.uid, owner.gid)
    await file.chmod(owner.mode)
    await file.sync()
  } catch (error) {
    if (content instanceof Readable) content.destroy()
    await dispose()
    throw error
  }
  const commit = async () => {
    await rename(staged, path)
    await syncDirectory(dirname(path))
  }
  return { path: staged, commit, [Symbol.asyncDispose]: dispose }
}

/** Replaces or creates the file at `path`, durably and in one step for everybody who reads it. See `stageFile`. */
export async function replaceFile(path: string, content: Readable | string, owner: FileOwner): Promise<void> {
  await using staged = await stageFile(path, content, owner)
  await staged.commit()
}

/**
 * The owner that a new file at `path` must get to be usable by whoever used the old one: that of the regular file that is there now; else
 * `fallback`; else that of the folder, with `mode`.
 */
export async function ownerFor(
  path: string,
  { mode, fallback }: { mode: number; fallback?: FileOwner },
): Promise<FileOwner> {
  const old = await lstat(path).catch(() => undefined)
  if (old?.isFile()) return { uid: old.uid, gid: old.gid, mode: old.mode & 0o7777 }
  if (fallback) return fallback
  const { uid, gid } = await stat(dirname(path))
  return { uid, gid, mode }
}

/** Makes the entries of a folder (created, renamed and removed names) survive a power loss. */
export async function syncDirectory(path: string): Promise<void> {
  await using folder = await open(path, 'r')
  await folder.sync()
}

const stagedPrefix = (path: string) => `.${basename(path)}.xnai-restore-`

async function removeLeftovers(path: string): Promise<void> {
  const prefix = stagedPrefix(path)
  const leftovers = (await readdir(dirname(path))).filter((name) => name.startsWith(prefix))
  for (const name of leftovers) await rm(join(dirname(path), name), { force: true })
}
