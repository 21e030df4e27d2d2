import type { ContainerFacts } from '../engine/engine.ts'
import { BackupError } from '../errors.ts'
import { poll } from '../lib/deadline.ts'
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
    const lock = async () => lockOrUndefined(parts, keys, run)
    const wait = { what, seconds: containerWaitSeconds, everyMs: 100, clock: parts.clock, signal }
    held.use(await poll(lock, wait))
    return held
  } catch (error) {
    held.dispose()
    throw error
  }
}

function lockOrUndefined(parts: Parts, keys: string[], run: string): Disposable | undefined {
  try {
    return parts.catalog.lock(keys, run)
  } catch (error) {
    if (error instanceof BackupError && error.code === 'BUSY') return undefined
    throw error
  }
}
