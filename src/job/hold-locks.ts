import { containerLock, type LockKey, targetLock } from '../catalog/keys.ts'
import type { ContainerFacts } from '../engine/engine.ts'
import { BackupError } from '../errors.ts'
import { type PollOptions, poll } from '../lib/deadline.ts'
import type { Target } from '../plan/plan.ts'
import type { Parts } from './job.ts'

/** The longest wait for a container that the run of another target holds. */
const containerWaitSeconds = 4 * 3600

/**
 * Locks the targets at once, or throws BUSY. Then it waits until no run of another target holds any of the containers, because two
 * runs that stop the same container would start it under each other. A run that holds containers never waits for a further lock, so
 * there is no deadlock.
 */
export async function holdLocks(
  parts: Parts,
  targets: Target[],
  containers: ContainerFacts[],
  run: string,
  signal: AbortSignal,
): Promise<Disposable> {
  const held = new DisposableStack()
  try {
    const targetKeys = targets.map(({ project, name }) => targetLock(project, name))
    held.use(parts.catalog.lock(targetKeys, run))
    const names = [...targets.map((target) => target.container), ...containers].map(({ name }) => name)
    const what = `containers ${names.join(', ')} to be free of other runs`
    const wait = { what, seconds: containerWaitSeconds, everyMs: 100, signal }
    held.use(await awaitLock(parts, names.map(containerLock), run, wait))
    return held
  } catch (error) {
    held.dispose()
    throw error
  }
}

/** Waits until no other run holds any of the keys, and locks all of them. Throws TIMEOUT when that takes too long. */
export function awaitLock(
  parts: Parts,
  keys: LockKey[],
  run: string,
  wait: Omit<PollOptions, 'clock'>,
): Promise<Disposable> {
  const lock = async () => {
    try {
      return parts.catalog.lock(keys, run)
    } catch (error) {
      if (error instanceof BackupError && error.code === 'BUSY') return undefined
      throw error
    }
  }
  return poll(lock, { ...wait, clock: parts.clock })
}
