import type { Target } from '../../plan/plan.ts'
import type { Parts } from '../job.ts'
import { limitWindow } from '../max-stop.ts'
import type { Held } from '../quiesce.ts'
import type { TieredSnapshot } from '../repositories.ts'
import { findPresent } from './present.ts'
import { refuseStarted } from './refuse-started.ts'
import { refuseUnkept } from './refuse-unkept.ts'
import { type ReplaceDataOptions, replaceData } from './replace-data.ts'
import type { RestoreReport } from './report.ts'
import { explainDown, mayStartAnew, startAnew } from './start-anew.ts'
import { type Safety, type SafetyRequest, takeSafety } from './take-safety.ts'
import { recordWayBack } from './way-back.ts'

/** A target that was replaced and proven. The caller MUST call exactly one of the two. */
export interface Replaced {
  /** Keeps the restored data and drops the intent to roll back. */
  commit(): void
  /** Restores the state before. Where that fails too, it keeps the intent for a later pass and throws ROLLBACK_FAILED. */
  rollBack(down: Held): Promise<void>
}

export interface ReplaceOptions {
  run: string
  safety: boolean
  only?: string[]
  down: Held
  /** The pins of the run, which it gives up at its end. The safety snapshot is added to them. */
  pins: DisposableStack
}

/**
 * Takes the safety snapshot, replaces the data and proves it. When it throws, the state before has been restored, or the error says
 * that it could not be.
 */
export async function replaceTarget(
  parts: Parts,
  report: RestoreReport,
  options: ReplaceOptions,
  signal: AbortSignal,
): Promise<Replaced> {
  const { only, down } = options
  const { snapshot } = report.step
  const target = report.step.target as Target
  const safety = await findSafety(parts, report, options, signal)
  const put = (what: TieredSnapshot, held: Held, until: AbortSignal, more: PutOptions = {}) =>
    replaceData(parts, target, what, { ...told(report, target, held), ...more }, until)
  const wayBack = await recordWayBack(parts, report, { safety, ...(only && { only }) }, put, signal)
  const { rawPaths, service } = safety
  const restore = () =>
    put(snapshot, down, signal, {
      ...(only && { only }),
      ...(rawPaths && { rawPaths }),
      ...(service && { service }),
      noteForRollBack: wayBack.note,
    })
  try {
    await restore().catch(async (error) => {
      if (!(await mayStartAnew(parts, report.step, safety, error, signal))) throw error
      await startAnew(parts, report, safety, signal)
      await restore()
    })
  } catch (error) {
    const failure = signal.aborted ? error : await explainDown(parts, target, safety, error)
    await wayBack.take(down, service)
    throw failure
  }
  return { commit: wayBack.drop, rollBack: (held) => wayBack.take(held) }
}

/** What differs between putting the wanted data and putting that of before. */
export type PutOptions = Pick<ReplaceDataOptions, 'only' | 'rawPaths' | 'service' | 'noteForRollBack' | 'rollsBack'>

async function findSafety(
  parts: Parts,
  report: RestoreReport,
  { run, safety, only, down, pins }: ReplaceOptions,
  signal: AbortSignal,
): Promise<Safety> {
  const target = report.step.target as Target
  if (!safety) {
    const { absent, present } = await findPresent(parts, target, signal)
    return { absent, isGone: !present }
  }
  const { snapshot } = report.step
  const request = { run, down, pins, snapshot, onDown: report.noteDown, ...(only && { only }) }
  const taken = await takeSafetyInTime(parts, target, request, signal)
  refuseUnkept(parts, target, request, taken)
  await refuseStarted(parts, target, down, signal).catch(async (error) => {
    await taken.service?.settle().catch(() => {})
    throw error
  })
  if (taken.snapshot) report.noteSafety(taken.snapshot)
  else report.noteWarning(`nothing of ${target.name} was there any more: there is no safety snapshot`)
  return taken
}

/**
 * Nothing has been replaced yet, so that a safety snapshot that takes longer than `max-stop` is given up like a backup. What comes after
 * it has no maximum: only a roll back could end it, which takes as long.
 */
async function takeSafetyInTime(
  parts: Parts,
  target: Target,
  request: SafetyRequest,
  signal: AbortSignal,
): Promise<Safety> {
  using limit = limitWindow([{ spec: target.spec, isReadAhead: false }], request.down.names, signal)
  return await takeSafety(parts, target, request, limit.signal)
}

const told = (report: RestoreReport, target: Target, held: Held) => ({
  heldDown: held.names.includes(target.container.name),
  onDown: report.noteDown,
  onBytes: report.onBytes,
  onWarning: report.noteWarning,
  onCheck: report.noteCheck,
})
