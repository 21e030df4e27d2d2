import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BackupError } from '../../errors.ts'
import { holdLivenessLock, isLivenessLockHeld, takeDeadLock } from '../../lib/liveness-lock.ts'
import { syncDirectory } from '../../lib/replace-file.ts'
import { INCOMING } from './layout.ts'

/** A folder of work in progress. It belongs to this process: while that lives, no sweep of any process touches it. */
export interface Staging {
  folder: string
  /** Makes the folder appear under its final name, durably. All files in it MUST have been synced. */
  publish(final: string): Promise<void>
  /** Removes the folder and what is in it. */
  discard(): Promise<void>
}

/** Names of the folders of this process. Asking whether their liveness locks are held would release them (see liveness-lock.ts). */
const own = new Set<string>()

/** Ending of the name of a folder's liveness lock. */
const LOCK = '.lock'

/** An archive as one host uses it. */
export interface OwnArchive {
  dir: string
  /** It stands in the names of work in progress, so that no other host takes it for something that a dead process left. */
  host?: string
}

/** How a host ends the names of its work in progress, which are `<random>` else. A dot would end the name: see `sweepIncoming`. */
const endingOf = (host: string | undefined): string => (host === undefined ? '' : `-${host.replaceAll('.', '%2E')}`)

const isOfAnother = (name: string, host: string | undefined): boolean =>
  name.includes('-') && name.slice(name.indexOf('-')) !== endingOf(host)

/** The liveness lock is held before the folder exists and until it is gone, so that a folder without one has no owner. */
export async function openStaging({ dir, host }: OwnArchive): Promise<Staging> {
  await requireDirectory(dir)
  const incoming = join(dir, INCOMING)
  await mkdir(incoming, { recursive: true, mode: 0o700 })
  const name = randomBytes(8).toString('hex') + endingOf(host)
  const folder = join(incoming, name)
  own.add(name)
  const lock = holdLivenessLock(join(incoming, name + LOCK))
  const release = () => {
    lock[Symbol.dispose]()
    own.delete(name)
  }
  const discard = async () => {
    await rm(folder, { recursive: true, force: true })
    release()
  }
  const publish = async (final: string) => {
    await syncDirectory(folder)
    await makeDurable(dir, dirname(final))
    await rename(folder, final)
    await syncDirectory(dirname(final))
    release()
  }
  await mkdir(folder, { mode: 0o700 })
  return { folder, publish, discard }
}

/** Makes `folder`, which lies two levels below `dir`, and its parent durable. */
async function makeDurable(dir: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await syncDirectory(dirname(folder))
  await syncDirectory(dir)
}

/** Moves the folder away before it removes it, so that no part of a snapshot is ever listed. */
export async function removeFolder(archive: OwnArchive, folder: string): Promise<void> {
  const trash = await openStaging(archive)
  try {
    await rename(folder, join(trash.folder, 'removed'))
    await syncDirectory(dirname(folder))
  } finally {
    await trash.discard()
  }
}

/**
 * Removes the folders of processes of this host that have ended. On some shared file systems the locks of another host look as if nobody
 * held them, so that its folders are left to itself.
 */
export async function sweepIncoming({ dir, host }: OwnArchive): Promise<void> {
  await requireDirectory(dir)
  const incoming = join(dir, INCOMING)
  const entries = await readdir(incoming).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const names = new Set(entries.map((entry) => entry.replace(/\..*$/, '')))
  for (const name of names) {
    if (own.has(name) || isOfAnother(name, host)) continue
    using lock = takeDeadLock(join(incoming, name + LOCK))
    if (lock || !isLivenessLockHeld(join(incoming, name + LOCK)))
      await rm(join(incoming, name), { recursive: true, force: true })
  }
}

/** Throws where the directory is not there: more likely a disk is not mounted than a new repository is wanted. */
export async function requireDirectory(dir: string): Promise<void> {
  const stats = await stat(dir).catch((error: NodeJS.ErrnoException) => {
    throw new BackupError('REPOSITORY_UNREACHABLE', `archive:${dir}: ${error.message}`, {
      hint: 'Mount the disk, or make the directory if this is a new repository.',
    })
  })
  if (!stats.isDirectory()) throw new BackupError('REPOSITORY_UNREACHABLE', `archive:${dir} is no directory`)
}
