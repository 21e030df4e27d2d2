import { existsSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/**
 * A sign of life that the kernel takes down when its holder dies, by SIGKILL or reboot too, and that is seen across PID namespaces:
 * an exclusive SQLite transaction, that is an fcntl lock, on a file of its own. Node has no flock.
 * Each holder uses a path that nobody else ever creates (a random id in its name). Within one process ask `isLivenessLockHeld` for
 * other holders' files only: closing any descriptor of a file drops the process's own fcntl locks on it.
 */
export interface LivenessLock extends Disposable {
  readonly path: string
}

export function holdLivenessLock(path: string): LivenessLock {
  for (;;) {
    const handle = openExclusive(path)
    // A sweeper may have removed the file between open and lock; a lock on a nameless file is seen by nobody.
    if (handle && existsSync(path)) {
      raised.add(handle)
      return { path, [Symbol.dispose]: () => release(path, handle) }
    }
    handle?.close()
  }
}

/** A handle that nobody refers to any more is closed by the garbage collector, and the sign of a live process falls with it. */
const raised = new Set<DatabaseSync>()

/** True while a live process holds the sign at `path`. A missing file is not held. */
export function isLivenessLockHeld(path: string): boolean {
  if (!existsSync(path)) return false
  const handle = openExclusive(path)
  handle?.close()
  return handle === undefined
}

function openExclusive(path: string): DatabaseSync | undefined {
  const handle = new DatabaseSync(path, { timeout: 0 })
  try {
    handle.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return handle
  } catch (error) {
    handle.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined
    throw error
  }
}

const SQLITE_BUSY = 5

function release(path: string, handle: DatabaseSync): void {
  rmSync(path, { force: true })
  raised.delete(handle)
  handle.close()
}
