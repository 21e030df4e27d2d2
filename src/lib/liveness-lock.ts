import { type BigIntStats, existsSync, rmSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'

/**
 * A lock that says that its holder is alive. The kernel releases it when the process dies, by SIGKILL or a reboot too, and processes in
 * other PID namespaces see it. It is an exclusive SQLite transaction, that is an fcntl lock, on a file of its own, because Node has no
 * flock.
 *
 * Each holder MUST use a path that nobody else ever creates, with a random id in its name. A process must not ask for the state of a
 * path that it holds itself: closing any descriptor of a file releases all fcntl locks that the process has on it. A file MUST be
 * removed only by who has it locked: its holder may take the lock at any moment.
 */
export interface LivenessLock extends Disposable {
  readonly path: string
}

/** Takes the lock at `path` and creates the file. Disposing it releases the lock and removes the file. */
export function holdLivenessLock(path: string): LivenessLock {
  for (;;) {
    const database = openExclusive(path, 'rwc')
    // Another process may have removed the file between open and lock. Nobody would see a lock on a file without a name.
    if (database && existsSync(path)) {
      return keep(path, database)
    }
    database?.close()
  }
}

/**
 * Takes over the lock of a holder that has died, so that one process alone clears up after it. Disposing removes the file. Answers
 * undefined where the holder lives, where another process has taken the lock over, and where there is no file.
 */
export function takeDeadLock(path: string): LivenessLock | undefined {
  const before = identify(path)
  const database = before && openExclusive(path, 'rw')
  if (!database) return undefined
  // The file that is locked may have been removed meanwhile, and its holder may have made another one at the path.
  if (isSame(before, identify(path))) return keep(path, database)
  database.close()
  return undefined
}

const identify = (path: string): BigIntStats | undefined => statSync(path, { bigint: true, throwIfNoEntry: false })

const isSame = (one: BigIntStats, other: BigIntStats | undefined): boolean =>
  one.dev === other?.dev && one.ino === other.ino && one.birthtimeNs === other.birthtimeNs

function keep(path: string, database: DatabaseSync): LivenessLock {
  held.add(database)
  return { path, [Symbol.dispose]: () => release(path, database) }
}

/** Keeps the garbage collector from closing a database whose lock is still held. */
const held = new Set<DatabaseSync>()

/** Answers whether a live process holds the lock at `path`. A lock without a file is not held. */
export function isLivenessLockHeld(path: string): boolean {
  if (!existsSync(path)) return false
  const database = openExclusive(path, 'rw')
  database?.close()
  return database === undefined && existsSync(path)
}

/** Answers undefined where another process holds the lock and, without the `c` of the mode, which creates it, where there is no file. */
function openExclusive(path: string, mode: 'rw' | 'rwc'): DatabaseSync | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(new URL(`?mode=${mode}`, pathToFileURL(path)), { timeout: 0 })
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database?.close()
    const { errcode } = error as { errcode?: number }
    if (errcode === SQLITE_BUSY || (errcode === SQLITE_CANTOPEN && mode === 'rw' && !existsSync(path))) return undefined
    throw error
  }
}

const SQLITE_BUSY = 5
const SQLITE_CANTOPEN = 14

function release(path: string, database: DatabaseSync): void {
  rmSync(path, { force: true })
  held.delete(database)
  database.close()
}
