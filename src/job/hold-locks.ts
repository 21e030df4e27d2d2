import { containerLock, describeKey, formatKey, type LockKey } from '../catalog/keys.ts'
import { BackupError } from '../errors.ts'
import { longSeconds, type PollOptions, poll } from '../lib/deadline.ts'
import type { Parts } from './job.ts'

/** The longest wait for a container that the run of another target holds. */
const containerWaitSeconds = 4 * 3600

/** The run by which recovery holds its locks. */
export const recoveryRun = 'recover'

/** Locks the keys as soon as no recovery holds any of them. Throws BUSY where another run does. */
export function lockAfterRecovery(
  parts: Parts,
  keys: LockKey[],
  run: string,
  signal: AbortSignal,
): Promise<Disposable> {
  const ofOthers = ({ key, run }: { key: LockKey; run: string }) =>
    run !== recoveryRun && keys.some((wanted) => formatKey(wanted) === formatKey(key))
  const observe = async () => {
    try {
      return parts.catalog.lock(keys, run)
    } catch (error) {
      if (!isBusy(error) || parts.catalog.holders().some(ofOthers)) throw error
      return undefined
    }
  }
  const what = `what a dead run left of ${keys.map(describeKey).join(', ')} to be finished`
  return poll(observe, { what, seconds: longSeconds, everyMs: 100, clock: parts.clock, signal })
}

/** Locks containers by name. */
export type LockContainers = (parts: Parts, names: string[], run: string, signal: AbortSignal) => Promise<Disposable>

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
    if (isBusy(error)) return undefined
    throw error
  }
}

export const isBusy = (error: unknown): boolean => error instanceof BackupError && error.code === 'BUSY'
