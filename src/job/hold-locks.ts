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
    held.use(lockTargets(parts, targets, run))
    const names = [...targets.map((target) => target.container), ...containers].map(({ name }) => name)
    held.use(await lockContainers(parts, names, run, signal))
    return held
  } catch (error) {
    held.dispose()
    throw error
  }
}

/** Locks targets at once, or throws BUSY. */
export function lockTargets(parts: Parts, targets: { project: string; name: string }[], run: string): Disposable {
  return parts.catalog.lock(
    targets.map(({ project, name }) => targetLock(project, name)),
    run,
  )
}

/** Locks containers by name, once no other run holds any of them. */
export function lockContainers(parts: Parts, names: string[], run: string, signal: AbortSignal): Promise<Disposable> {
  const keys = names.map(containerLock)
  const what = `containers ${names.join(', ')} to be free of other runs`
  return awaitLock(parts, keys, run, { what, seconds: containerWaitSeconds, everyMs: 100, signal })
}

/** Locks containers by name at once, or throws BUSY. */
export async function lockContainersNow({ catalog }: Parts, names: string[], run: string): Promise<Disposable> {
  return catalog.lock(names.map(containerLock), run)
}

/** Locks a container, or returns undefined while another run holds it. */
export function tryLockContainer({ catalog }: Parts, name: string, run: string): Disposable | undefined {
  return tryLock(catalog, [containerLock(name)], run)
}

/** Waits until no other run holds any of the keys, and locks all of them. Throws TIMEOUT when that takes too long. */
export function awaitLock(
  parts: Parts,
  keys: LockKey[],
  run: string,
  wait: Omit<PollOptions, 'clock'>,
): Promise<Disposable> {
  return poll(async () => tryLock(parts.catalog, keys, run), { ...wait, clock: parts.clock })
}

function tryLock(catalog: Parts['catalog'], keys: LockKey[], run: string): Disposable | undefined {
  try {
    return catalog.lock(keys, run)
  } catch (error) {
    if (error instanceof BackupError && error.code === 'BUSY') return undefined
    throw error
  }
}
