import { asBackupError, BackupError } from '../../errors.ts'
import { logFailure } from '../../lib/log-failure.ts'
import type { Target } from '../../plan/plan.ts'
import type { Snapshot } from '../../repository/repository.ts'
import { type Captured, captureTarget, methodOf } from '../capture.ts'
import type { Parts } from '../job.ts'
import type { Held } from '../quiesce.ts'
import type { TieredSnapshot } from '../repositories.ts'
import { findContainer, refOf } from '../service.ts'
import { controlService, type ServiceControl } from '../service-control.ts'
import { isBroken } from './broken.ts'
import { findPresent } from './present.ts'
import { publishSafety } from './publish-safety.ts'
import { takeRaw } from './take-raw.ts'

/** The way back of a restore. */
export interface Safety {
  /** Absent where nothing was there any more, or none was wanted. */
  snapshot?: TieredSnapshot
  /** Container paths that do not exist: a roll back removes them again. */
  absent: string[]
  /** Nothing of the data was there any more: a roll back leaves nothing there either. */
  isGone?: boolean
  /** Present where the data was taken raw: the container paths of it. */
  rawPaths?: string[]
  /** Present with a raw snapshot: the control by which the service was stopped. The caller MUST settle it, whatever happens. */
  service?: ServiceControl
}

export interface SafetyRequest {
  run: string
  down: Held
  /** See `ReplaceOptions.pins`. */
  pins: DisposableStack
  /** The snapshot that is to be restored. */
  snapshot: TieredSnapshot
  /** The paths that the restore was asked for: no other one is kept, nor put back. */
  only?: string[]
  /** See `ControlOptions.onDown`. */
  onDown: (seconds: number) => void
}

/**
 * Captures the present data and reads the snapshot back, so that the roll back is proven before anything is removed. What its method
 * cannot capture because it is broken is taken raw. So is what a raw snapshot is to replace: after that the method might not work.
 */
export async function takeSafety(
  parts: Parts,
  target: Target,
  request: SafetyRequest,
  signal: AbortSignal,
): Promise<Safety> {
  const { absent, present } = await findPresent(parts, target, signal)
  const exclude = leftAlone(request.snapshot)
  if (request.snapshot.raw) return takeRaw(parts, target, { ...request, exclude }, signal)
  if (!present) return { absent, isGone: true }
  try {
    const time = parts.clock.now()
    const kept = { ...present, spec: { ...target.spec, exclude } }
    await using captured = await captureRunning(parts, kept, request, signal)
    return { absent, snapshot: await publishSafety(parts, captured, { ...request, time }, signal) }
  } catch (cause) {
    if (signal.aborted) throw cause
    const { state } = (await findContainer(parts, refOf(target.container), signal)) ?? target.container
    if (!isBroken(asBackupError(cause), state)) throw explain(target, cause)
    return await takeRaw(parts, target, { ...request, exclude }, signal).catch((failure) => {
      if (signal.aborted) throw failure
      logFailure(parts.log, 'no raw safety snapshot either', failure, { target: target.name })
      throw explain(target, cause, `; its raw data cannot be kept either: ${asBackupError(failure).message}`)
    })
  }
}

function explain(target: Target, cause: unknown, also = ''): BackupError {
  const { code, message } = asBackupError(cause)
  const hint =
    'Nothing was touched. If what is there now is worth nothing, add --no-safety; then nothing can be put back.'
  return new BackupError(code, `no safety snapshot of ${target.name}: ${message}${also}`, { cause, hint })
}

/** The patterns that the restore leaves alone: those of the backup, whatever the labels exclude by now. */
const leftAlone = ({ method, artifacts }: Snapshot): string[] =>
  (method === 'files' && artifacts.find(({ exclude }) => exclude)?.exclude) || []

/** Starts a server that is down (after `up --no-start` on a bare host) for the capture, and stops it again. */
async function captureRunning(
  parts: Parts,
  target: Target,
  { down, only }: SafetyRequest,
  signal: AbortSignal,
): Promise<Captured> {
  const heldDown = down.names.includes(target.container.name)
  const service = controlService(parts, target, { heldDown }, signal)
  if (!methodOf(parts, target.spec).needsRunning || (await service.state()) === 'running') {
    return captureTarget(parts, target, only ? { only } : {}, signal)
  }
  try {
    await service.start()
    return await captureWhenReady(parts, target, service, signal)
  } finally {
    await service.settle()
  }
}

/** A server restarts within this time where it does so after its first set-up. */
const restartMs = 3000

/** Retries while a server that has just started refuses connections. After its first set-up it may also restart once. */
async function captureWhenReady(
  parts: Parts,
  target: Target,
  service: ServiceControl,
  signal: AbortSignal,
): Promise<Captured> {
  const { clock } = parts
  const deadline = clock.monotonicMs() + target.spec.startTimeoutSeconds * 1000
  let lastRunning = clock.monotonicMs()
  for (;;) {
    try {
      return await captureTarget(parts, target, {}, signal)
    } catch (error) {
      const passes = ['SERVICE_DOWN', 'DUMP_FAILED', 'EXEC_FAILED'].includes(asBackupError(error).code)
      if (!passes || signal.aborted || clock.monotonicMs() > deadline) throw error
      if ((await service.state()) === 'running') lastRunning = clock.monotonicMs()
      else if (clock.monotonicMs() - lastRunning > restartMs) throw error
      await clock.sleep(500, signal)
    }
  }
}
