import { BackupError } from '../../errors.ts'
import type { CaptureContext } from '../../methods/method.ts'
import type { Target } from '../../plan/plan.ts'
import type { Artifact } from '../../repository/repository.ts'
import { methodOf, stageTarget } from '../capture.ts'
import { currentPlan } from '../current-plan.ts'
import type { Parts } from '../job.ts'
import { limitWindow } from '../max-stop.ts'
import { controlService, type ServiceControl } from '../service-control.ts'
import { findPresent } from './present.ts'
import { publishSafety } from './publish-safety.ts'
import { asRaw, otherWriters, rawPaths } from './raw.ts'
import type { Safety, SafetyRequest } from './take-safety.ts'

/**
 * Stops the service and takes its data paths as they lie on disk. On success the service stays stopped: what is broken must not write
 * between the way back and the restore. A failure brings it back into its state before.
 */
export async function takeRaw(
  parts: Parts,
  target: Target,
  { run, down, pins, snapshot, only, exclude, onDown }: SafetyRequest & { exclude: string[] },
  signal: AbortSignal,
): Promise<Safety> {
  const paths = only ? target.paths : rawPaths(parts, target, snapshot)
  const whole = asRaw(target, paths, exclude)
  const { absent, present } = await findPresent(parts, whole, signal)
  await refuseOtherWriters(parts, whole, signal)
  const heldDown = down.names.includes(target.container.name)
  const service = controlService(parts, target, { heldDown, onDown }, signal)
  using limit = limitWindow([{ spec: target.spec, isReadAhead: false }], [target.container.name], signal)
  try {
    const time = parts.clock.now()
    if (whole.spec.quiesce !== 'none') await service.stop()
    if (!present) return { absent, service, isGone: true }
    await using captured = await stageTarget(parts, present, (ctx) => treesOf(parts, ctx, present), {
      signal: limit.signal,
      ...(only && { only }),
    })
    await refuseStarted(whole, service)
    const kept = await publishSafety(parts, captured, { run, pins, time, raw: true }, limit.signal)
    return { absent, service, rawPaths: whole.paths, snapshot: kept }
  } catch (error) {
    // A failure to settle must not hide the first error.
    await service.settle().catch(() => {})
    throw error
  }
}

async function* treesOf(parts: Parts, ctx: CaptureContext, { spec }: Target): AsyncGenerator<Artifact> {
  yield* methodOf(parts, spec).trees?.(ctx, spec) ?? []
}

async function refuseOtherWriters(parts: Parts, target: Target, signal: AbortSignal): Promise<void> {
  const { containers } = await currentPlan(parts, signal)
  const names = otherWriters(containers, target, parts.settings)
  if (names.length > 0)
    throw new BackupError('QUIESCE_FAILED', `${names.join(', ')} may write to it, and would have to be stopped`)
}

/** A restart policy brings a container back that ended by itself, be it in the moment in which it is seen as stopped. */
async function refuseStarted({ container, spec }: Target, service: ServiceControl): Promise<void> {
  if (spec.quiesce === 'none' || (await service.state()) !== 'running') return
  throw new BackupError('QUIESCE_FAILED', `${container.name} was started while its data was read`)
}
