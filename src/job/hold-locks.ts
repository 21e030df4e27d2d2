import type { ContainerFacts } from '../engine/engine.ts'
import { BackupError } from '../errors.ts'
import { type PollOptions, poll } from '../lib/deadline.ts'
import { type Target, targetKey } from '../plan/plan.ts'
import type { Parts } from './job.ts'

/** Longest wait for a container that another target's run holds. */
const containerWaitSeconds = 4 * 3600

/**
 * The targets at once, or BUSY; then the containers, waiting for runs of other targets that hold one of them: two runs that stop the
 * same container would resume it under each other. Whoever holds containers waits for nothing more, so there is no deadlock.
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
    held.use(
      parts.catalog.lock(
        targets.map((target) => `target:${targetKey(target)}`),
        run,
      ),
    )
    const keys = [...targets.map((target) => target.container), ...containers].map(({ name }) => `container:${name}`)
    const what = `containers ${keys.map((key) => key.slice('container:'.length)).join(', ')} to be free of other runs`
    held.use(await awaitLock(parts, keys, run, { what, seconds: containerWaitSeconds, everyMs: 100, signal }))
    return held
  } catch (error) {
    held.dispose()
    throw error
  }
}

/** All of the keys, once no other run holds one of them; TIMEOUT when that takes too long. */
export function awaitLock(
  parts: Parts,
  keys: string[],
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
