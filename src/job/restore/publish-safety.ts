import { BackupError } from '../../errors.ts'
import { settleWith } from '../../lib/deadline.ts'
import type { Captured } from '../capture.ts'
import { newId } from '../identify.ts'
import type { Parts } from '../job.ts'
import { asCaptured, captureTier, repositoryOf, type TieredSnapshot } from '../repositories.ts'
import type { SafetyRequest } from './take-safety.ts'

/** Publishes what was captured at `time` as a safety snapshot, and reads it back. It is pinned before it is there. */
export async function publishSafety(
  parts: Parts,
  captured: Captured,
  { run, pins, time, raw }: Pick<SafetyRequest, 'run' | 'pins'> & { time: Date; raw?: true },
  signal: AbortSignal,
): Promise<TieredSnapshot> {
  const id = newId(time)
  pins.use(parts.catalog.pin([{ tier: captureTier, id }]))
  const window = {
    id,
    run,
    set: newId(time),
    time: time.toISOString(),
    reason: 'safety' as const,
    ...(raw && { raw }),
    quiesced: [],
    warnings: [],
  }
  const snapshot = await settleWith(signal, () => captured.publish(window, signal))
  const [damage] = await settleWith(signal, () => repositoryOf(parts, captureTier).verify(snapshot, signal))
  if (damage) throw new BackupError('SNAPSHOT_DAMAGED', `${damage.file}: ${damage.reason}`)
  return asCaptured(snapshot)
}
