import { existsSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/**
 * A lock that says that its holder is alive. The kernel releases it when the process dies, by SIGKILL or a reboot too, and processes in
 * other PID namespaces see it. It is an exclusive SQLite transaction, that is an fcntl lock, on a file of its own, because Node has no
 * flock.
 *
 * Each holder MUST use a path that nobody else ever creates, with a random id in its name. A process must not ask `isLivenessLockHeld`
 * for a path that it holds itself: closing any descriptor of a file releases all fcntl locks that the process has on it.
 */
export interface LivenessLock extends Disposable {
  readonly path: string
}

/** Takes the lock at `path` and creates the file. Disposing it releases the lock and removes the file. */
export function holdLivenessLock(path: string): LivenessLock {
  for (;;) {
    const database = openExclusive(path)
    // Another process may have removed the file between open and lock. Nobody would see a lock on a file without a name.
    if (database && existsSync(path)) {
      held.add(database)
      return { path, [Symbol.dispose]: () => release(path, database) }
    }
    database?.close()
  }
}

/** Keeps the garbage collector from closing a database whose lock is still held. */
const held = new Set<DatabaseSync>()

/** Answers whether a live process holds the lock at `path`. A lock without a file is not held. */
export function isLivenessLockHeld(path: string): boolean {
  if (!existsSync(path)) return false
  const database = openExclusive(path)
  database?.close()
  return database === undefined
}

/** Answers undefined where another process holds the lock. */
function openExclusive(path: string): DatabaseSync | undefined {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined
    throw error
  }
}

const SQLITE_BUSY = 5

function release(path: string, database: DatabaseSync): void {
  rmSync(path, { force: true })
  held.delete(database)
  database.close()
}
