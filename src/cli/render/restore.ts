import type { RestoreResult } from '../../job/job.ts'
import type { RestorePlan, RestoreStep } from '../../job/restore/plan.ts'
import { targetKey } from '../../plan/plan.ts'
import { targetKeyOf } from '../target-key.ts'
import { formatBytes, formatSeconds, formatTime } from './format.ts'
import { paintOutcome, renderNotes } from './result.ts'
import { type Cell, renderTable } from './table.ts'
import { paint, type TextStyle } from './text-style.ts'

/** Shows what a restore will do, in order of execution, and which targets it refuses. */
export function renderRestorePlan(
  { steps, down, only, to }: RestorePlan,
  refused: RestoreResult[],
  style: TextStyle,
): string {
  const head = ['TARGET', 'METHOD', 'SNAPSHOT', 'TAKEN', 'SIZE', to === undefined ? 'REPLACES' : 'WRITES']
  const rows = steps.map((step) => [
    targetKey(step),
    step.snapshot.method,
    step.snapshot.id,
    formatTime(step.snapshot.time, style),
    formatBytes(step.snapshot.bytes),
    to === undefined ? (only ?? replaced(step)) : `${to}/${step.name}`,
  ])
  const names = down.map(({ name }) => name)
  const stops = names.length === 0 ? '' : `Stops ${names.join(', ')}; starts ${names.toReversed().join(', ')}.\n`
  return [renderTable(head, rows, style), stops, ...refused.map((result) => renderNotes(result, style))].join('')
}

/** What a step replaces: the paths of a tree, or everything in the service for a method that dumps. */
const replaced = ({ target }: RestoreStep): Cell =>
  target && target.paths.length > 0 ? target.paths : `all data of ${target?.container.name}`

/** A table with a row for each target, then what was compared, the warnings and the errors. */
export function renderRestore(targets: RestoreResult[], style: TextStyle): string {
  const head = ['TARGET', 'RESULT', 'SNAPSHOT', 'TOOK', 'CHECKS', 'SAFETY SNAPSHOT']
  const rows = targets.map((result) => [
    targetKeyOf(result),
    paintOutcome(result.outcome, style) + (result.rolledBack ? ', rolled back' : ''),
    result.snapshot ?? '—',
    formatSeconds(result.seconds),
    `${result.checks.filter(({ ok }) => ok).length} of ${result.checks.length}`,
    result.safetySnapshot === undefined ? '—' : result.safetySnapshot + (result.safety ? ` (${result.safety})` : ''),
  ])
  return [renderTable(head, rows, style), ...targets.map((result) => renderChecks(result, style))].join('')
}

/** Shows each comparison with its values, not only whether it held. */
function renderChecks(result: RestoreResult, style: TextStyle): string {
  const checks = result.checks.map(({ name, expected, actual, ok }) =>
    ok
      ? `${paint(style, 'green', 'proved:')} ${targetKeyOf(result)}: ${name}: ${actual}\n`
      : `${paint(style, 'red', 'differs:')} ${targetKeyOf(result)}: ${name}: expected ${expected}, found ${actual}\n`,
  )
  return checks.join('') + renderNotes(result, style)
}
