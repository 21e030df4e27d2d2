import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { BackupError } from '../../errors.ts'
import { systemClock } from '../../lib/clock.ts'
import { poll } from '../../lib/deadline.ts'
import type { ResticAddress } from './address.ts'
import { type Restic, runRestic } from './program.ts'

/** Milliseconds for which an answer from elsewhere is believed: each one costs a process. */
const BELIEF_MS = 60_000

/** What was answered before, so that not every call costs a process. */
export interface IdentityMemory {
  id?: string
  /** The state of a directory that it belongs to: it counts while that is the same. */
  state?: string
  /** When somebody elsewhere was asked, in milliseconds since 1970. */
  askedAt?: number
}

/**
 * The id that restic gave the repository; undefined where there is none. In a directory the file `config` never changes and is another
 * one in every repository, so that the id is read again only where another one lies there.
 */
export async function readIdentity(
  restic: Restic,
  memory: IdentityMemory,
  now: Date,
  signal: AbortSignal,
): Promise<string | undefined> {
  const state = await configOf(restic.address)
  if (restic.address.directory !== undefined && state === undefined) return undefined
  const isFresh = memory.askedAt !== undefined && now.getTime() - memory.askedAt < BELIEF_MS
  if (memory.id !== undefined && (state === undefined ? isFresh : state === memory.state)) return memory.id
  const id = await askIdentity(restic, signal)
  Object.assign(memory, { id, state, askedAt: now.getTime() })
  return id
}

async function askIdentity(restic: Restic, signal: AbortSignal): Promise<string | undefined> {
  try {
    const text = await runRestic(restic, ['cat', 'config', '--no-lock'], { signal })
    return (JSON.parse(text) as { id: string }).id
  } catch (error) {
    // In a directory the repository was seen before: another error than that there is none.
    if (restic.address.directory === undefined && isMissing(error)) return undefined
    throw error
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof BackupError && (error.cause as { exitCode?: number } | undefined)?.exitCode === 10

/** The state of the file `config`; undefined where there is none, or where the repository lies elsewhere. */
async function configOf({ directory }: ResticAddress): Promise<string | undefined> {
  if (directory === undefined) return undefined
  await requireDirectory(directory)
  try {
    return createHash('sha256')
      .update(await readFile(join(directory, 'config')))
      .digest('hex')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Throws where the directory is not there: more likely a disk is not mounted than a new repository is wanted. */
export async function requireDirectory(directory: string): Promise<void> {
  const stats = await stat(directory).catch((error: NodeJS.ErrnoException) => {
    throw new BackupError('REPOSITORY_UNREACHABLE', `restic:${directory}: ${error.message}`, {
      hint: 'Mount the disk, or make the directory if this is a new repository.',
    })
  })
  if (!stats.isDirectory()) throw new BackupError('REPOSITORY_UNREACHABLE', `restic:${directory} is no directory`)
}

/**
 * Makes the repository where there is none. In a directory one process alone does so, whatever control plane it belongs to. With `like` it
 * cuts files where that one does, so that copies from there share their pieces with what is stored here.
 */
export async function makeRepository(restic: Restic, signal: AbortSignal, like?: Restic): Promise<void> {
  const { directory } = restic.address
  const init = () =>
    runRestic(restic, ['init', ...(like ? ['--copy-chunker-params'] : [])], { signal, ...(like && { from: like }) })
  if (directory === undefined) return void (await init())
  const path = join(directory, '.xnai-backup-init.lock')
  const wait = { what: `${restic.address.url}: another process makes it`, seconds: 60, clock: systemClock, signal }
  using _alone = await poll(async () => takeLock(path), wait)
  if (existsSync(join(directory, 'config'))) return
  await removeDeadKeys(directory)
  await init()
  await rm(path)
}

/** Its file may be removed by who has made the repository: who locks it after that finds the repository. */
function takeLock(path: string): Disposable | undefined {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return { [Symbol.dispose]: () => database.close() }
  } catch {
    database.close()
    return undefined
  }
}

/** Keys that were written by a process that died before it wrote the config. restic refuses to go on where there are any. */
async function removeDeadKeys(directory: string): Promise<void> {
  const filesOf = (name: string) => readdir(join(directory, name)).catch(() => [] as string[])
  const keys = await filesOf('keys')
  if (keys.length === 0) return
  if ((await filesOf('snapshots')).length > 0 || (await filesOf('index')).length > 0) {
    throw new BackupError('REPOSITORY_FAILED', `restic:${directory}: the file config is missing from a repository`, {
      hint: 'Put it back from a copy of the repository. Nothing was changed.',
    })
  }
  for (const key of keys) await rm(join(directory, 'keys', key))
}
