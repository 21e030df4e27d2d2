import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { holdLivenessLock, isLivenessLockHeld, takeDeadLock } from '../lib/liveness-lock.ts'

/** This process, as the owner of locks, intents and runs. After it is disposed, it counts as dead. */
export interface Owner extends Disposable {
  readonly id: string
  /** True where the process with this id has ended, however it ended. */
  isDead(id: unknown): boolean
}

const suffix = '.lock'

/** Registers this process by a liveness lock in `folder`, and removes the files of owners that have died. */
export function becomeOwner(folder: string): Owner {
  const id = randomBytes(8).toString('hex')
  const lock = holdLivenessLock(join(folder, id + suffix))
  try {
    removeDeadOwners(folder, id)
  } catch (error) {
    lock[Symbol.dispose]()
    throw error
  }
  return {
    id,
    isDead: (other) => other !== id && !isLivenessLockHeld(join(folder, other + suffix)),
    [Symbol.dispose]: () => lock[Symbol.dispose](),
  }
}

function removeDeadOwners(folder: string, ownId: string): void {
  for (const name of readdirSync(folder)) {
    if (name.endsWith(suffix) && name !== ownId + suffix) takeDeadLock(join(folder, name))?.[Symbol.dispose]()
  }
}
