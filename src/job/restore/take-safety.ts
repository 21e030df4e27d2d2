import { asBackupError, BackupError } from '../../errors.ts'
import { settleWith } from '../../lib/deadline.ts'
import type { Target } from '../../plan/plan.ts'
import { type Captured, captureTarget, methodOf } from '../capture.ts'
import { newId } from '../identify.ts'
import type { Parts } from '../job.ts'
import type { Held } from '../quiesce.ts'
import { asCaptured, captureTier, repositoryOf, type TieredSnapshot } from '../repositories.ts'
import { controlService } from '../service-control.ts'

/** Captures the present data and reads the snapshot back, so that the roll back is proven before anything is removed. */
export async function takeSafety(
  parts: Parts,
  target: Target,
  { run, down }: { run: string; down: Held },
  signal: AbortSignal,
): Promise<TieredSnapshot> {
  try {
    const now = parts.clock.now()
    await using captured = await captureRunning(parts, target, down, signal)
    const window = {
      run,
      set: newId(now),
      time: now.toISOString(),
      reason: 'safety' as const,
      quiesced: [],
      warnings: [],
    }
    const snapshot = await settleWith(signal, () => captured.publish(window, signal))
    const [damage] = await settleWith(signal, () => repositoryOf(parts, captureTier).verify(snapshot, signal))
    if (damage) throw new BackupError('SNAPSHOT_DAMAGED', `${damage.file}: ${damage.reason}`)
    return asCaptured(snapshot)
  } catch (cause) {
    const { code, message } = asBackupError(cause)
    if (signal.aborted) throw cause
    const hint =
      'Nothing was touched. If what is there now is worth nothing, add --no-safety; then nothing can be put back.'
    throw new BackupError(code, `no safety snapshot of ${target.name}: ${message}`, { cause, hint })
  }
}

/** Starts a server that is down (after `podman compose create` on a bare host) for the capture, and stops it again. */
async function captureRunning(parts: Parts, target: Target, down: Held, signal: AbortSignal): Promise<Captured> {
  const service = controlService(parts, target, down.names.includes(target.container.name), signal)
  if (!methodOf(parts, target.spec).needsRunning || (await service.state()) === 'running') {
    return captureTarget(parts, target, {}, signal)
  }
  try {
    await service.start()
    return await captureWhenReady(parts, target, signal)
  } finally {
    await service.settle()
  }
}

/** Retries while a server that has just started refuses connections. After its first set-up it may also restart once. */
async function captureWhenReady(parts: Parts, target: Target, signal: AbortSignal): Promise<Captured> {
  const { clock } = parts
  const deadline = clock.monotonicMs() + target.spec.startTimeoutSeconds * 1000
  for (;;) {
    try {
      return await captureTarget(parts, target, {}, signal)
    } catch (error) {
      const passes = ['SERVICE_DOWN', 'DUMP_FAILED', 'EXEC_FAILED'].includes(asBackupError(error).code)
      if (!passes || signal.aborted || clock.monotonicMs() > deadline) throw error
      await clock.sleep(500, signal)
    }
  }
}
