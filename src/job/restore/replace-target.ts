import { asBackupError, BackupError } from '../../errors.ts'
import { removeTree } from '../../lib/tree/clear.ts'
import { rootExists } from '../../lib/tree/open-root.ts'
import type { Target } from '../../plan/plan.ts'
import type { Snapshot } from '../../repository/repository.ts'
import type { Parts } from '../job.ts'
import { limitWindow } from '../max-stop.ts'
import { resolveHostPath } from '../method-context.ts'
import type { Held } from '../quiesce.ts'
import { snapshotRef, type TieredSnapshot } from '../repositories.ts'
import { abandonIntent, dropIntent } from '../settle-intent.ts'
import { replaceData } from './replace-data.ts'
import type { RestoreReport } from './report.ts'
import { takeSafety } from './take-safety.ts'

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
}

/**
 * Takes the safety snapshot, replaces the data and proves it. When it throws, the state before has been restored, or the error says
 * that it could not be.
 */
export async function replaceTarget(
  parts: Parts,
  report: RestoreReport,
  { run, safety, only, down }: ReplaceOptions,
  signal: AbortSignal,
): Promise<Replaced> {
  const { snapshot } = report.step
  const target = report.step.target as Target
  const absent = findAbsent(parts, target)
  const there = target.paths.filter((path) => !absent.includes(path))
  const isGone = target.paths.length > 0 && there.length === 0
  const replaced = !isGone && { ...target, paths: there, spec: { ...target.spec, exclude: leftAlone(snapshot) } }
  const before = safety && replaced ? await takeSafetyInTime(parts, replaced, { run, down }, signal) : undefined
  if (before) report.noteSafety(before.id)
  else if (safety) report.noteWarning(`nothing of ${target.name} was there any more: there is no safety snapshot`)
  const intent = parts.catalog.addIntent({
    kind: 'roll-back',
    project: target.project,
    target: target.name,
    snapshot: snapshotRef(snapshot),
    safety: before && snapshotRef(before),
    ...(only && { only }),
    absent,
  })
  const put = (what: TieredSnapshot, held: Held, paths: string[] | undefined, until: AbortSignal) =>
    replaceData(parts, target, what, { ...told(report, target, held), ...(paths && { only: paths }) }, until)

  const rollBack = async (held: Held) => {
    if (!before) {
      if (isGone) await removePaths(parts, target, absent)
      return signal.aborted && !isGone ? abandonIntent(parts, intent) : dropIntent(parts, intent)
    }
    try {
      await removePaths(parts, target, absent)
      await put(before, held, undefined, new AbortController().signal)
      dropIntent(parts, intent)
      report.noteRolledBack()
    } catch (cause) {
      abandonIntent(parts, intent)
      const message = `${target.name}: the state before (snapshot ${before.id}) could not be put back: ${asBackupError(cause).message}`
      throw new BackupError('ROLLBACK_FAILED', message, { cause })
    }
  }
  try {
    await put(snapshot, down, only, signal)
  } catch (error) {
    await rollBack(down)
    throw error
  }
  return { commit: () => dropIntent(parts, intent), rollBack }
}

/**
 * Nothing has been replaced yet, so that a safety snapshot that takes longer than `max-stop` is given up like a backup. What comes after
 * it has no maximum: only a roll back could end it, which takes as long.
 */
async function takeSafetyInTime(
  parts: Parts,
  target: Target,
  options: { run: string; down: Held },
  signal: AbortSignal,
): Promise<TieredSnapshot> {
  using limit = limitWindow([{ spec: target.spec, isReadAhead: false }], options.down.names, signal)
  return await takeSafety(parts, target, options, limit.signal)
}

const told = (report: RestoreReport, target: Target, held: Held) => ({
  heldDown: held.names.includes(target.container.name),
  onBytes: report.onBytes,
  onWarning: report.noteWarning,
  onCheck: report.noteCheck,
})

/** The captured paths that do not exist any more. It is empty for methods that dump. */
function findAbsent(parts: Parts, { paths, container }: Target): string[] {
  return paths.filter((path) => !rootExists(resolveHostPath(parts, container, path)))
}

/** Removes container paths that did not exist before the restore. */
export async function removePaths(parts: Parts, { container }: Target, paths: string[]): Promise<void> {
  for (const path of paths) removeTree(resolveHostPath(parts, container, path), new AbortController().signal)
}

/** The patterns that the restore leaves alone: those of the backup, whatever the labels exclude by now. */
const leftAlone = (snapshot: Snapshot): string[] => snapshot.artifacts.find(({ exclude }) => exclude)?.exclude ?? []
