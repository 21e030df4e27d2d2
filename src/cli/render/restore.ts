import { join } from 'node:path'
import type { RestoreResult } from '../../job/job.ts'
import type { RestorePlan, RestoreStep } from '../../job/restore/plan.ts'
import { targetKey, targetKeyOf } from '../../plan/plan.ts'
import type { LastDowntime } from '../../report/last-downtime.ts'
import { formatBytes, formatSeconds } from './format.ts'
import { renderLine, renderText } from './line.ts'
import { paintOutcome, renderNotes } from './result.ts'
import { type Cell, type Column, renderTable } from './table.ts'
import type { TextStyle } from './text-style.ts'
import { formatTime, timeColumn } from './time.ts'

/** This is known of a restore before it, beside its plan. */
export interface Forecast {
  refused: RestoreResult[]
  /** It tells how long services were down last time, by target. */
  downtimes: ReadonlyMap<string, LastDowntime | undefined>
}

/** Shows what a restore will do, in order of execution, for how long it stopped services last time, and which targets it refuses. */
export function renderRestorePlan(
  { steps, restarts, only, to }: RestorePlan,
  { refused, downtimes }: Forecast,
  style: TextStyle,
): string {
  const columns: Column<RestoreStep>[] = [
    { title: 'TARGET', cell: targetKey },
    { title: 'SNAPSHOT', cell: ({ snapshot }) => snapshot.id },
    timeColumn({ title: 'TAKEN', timeOf: ({ snapshot }) => snapshot.time }, steps, style),
    { title: 'SIZE', cell: ({ snapshot }) => formatBytes(snapshot.bytes) },
    !to
      ? { title: 'REPLACES', place: 'fold', lead: 'replaces', cell: (step) => only ?? replaced(step) }
      : { title: 'WRITES', place: 'fold', lead: 'writes', cell: ({ name }) => join(to.hostPath, name) },
    { title: 'METHOD', place: 'wide', cell: ({ snapshot }) => snapshot.method },
  ]
  const names = restarts.map(({ name }) => name)
  const order = `Stops ${names.join(', ')}; starts ${names.toReversed().join(', ')}.`
  return [
    renderTable(columns, steps, style),
    names.length === 0 ? '' : renderText(order, style),
    ...[...downtimes].map(([key, last]) => (last ? renderText(describeDowntime(key, last, style), style) : '')),
    ...refused.map((result) => renderNotes(result, style)),
  ].join('')
}

const describeDowntime = (key: string, { kind, seconds, time }: LastDowntime, style: TextStyle): string =>
  `Last stop for ${key}: ${formatSeconds(seconds)} (${kind}, ${formatTime(time, style)}).`

/** What a step replaces: the paths of a tree, or everything in the service for a method that dumps. */
const replaced = ({ target }: RestoreStep): Cell =>
  target && target.paths.length > 0 ? target.paths : `all data of ${target?.container.name}`

/** A table with a row for each target, then what was compared, the warnings and the errors. */
export function renderRestore(targets: RestoreResult[], style: TextStyle): string {
  const columns: Column<RestoreResult>[] = [
    { title: 'TARGET', cell: targetKeyOf },
    {
      title: 'RESULT',
      cell: ({ outcome, rolledBack }) => paintOutcome(outcome, style) + (rolledBack ? ', rolled back' : ''),
    },
    { title: 'SNAPSHOT', cell: ({ snapshot }) => snapshot ?? '' },
    { title: 'TOOK', cell: ({ seconds }) => formatSeconds(seconds) },
    { title: 'DOWN', cell: ({ downtimeSeconds }) => formatSeconds(downtimeSeconds) },
    { title: 'CHECKS', cell: ({ checks }) => `${checks.filter(({ ok }) => ok).length} of ${checks.length}` },
    {
      title: 'SAFETY SNAPSHOT',
      place: 'fold',
      lead: 'safety snapshot',
      cell: ({ safetySnapshot, safety }) => [safetySnapshot, safety && `(${safety})`].filter(Boolean).join(' '),
    },
    { title: 'WROTE', place: 'below', lead: 'wrote', cell: ({ wrote }) => wrote ?? '' },
  ]
  return [renderTable(columns, targets, style), ...targets.map((result) => renderChecks(result, style))].join('')
}

/** Shows each comparison with its values, not only whether it held. */
function renderChecks(result: RestoreResult, style: TextStyle): string {
  const key = targetKeyOf(result)
  const checks = result.checks.map(({ name, expected, actual, ok }) =>
    ok
      ? renderLine('proved', 'green', `${key}: ${name}: ${actual}`, style)
      : renderLine('differs', 'red', `${key}: ${name}: expected ${expected}, found ${actual}`, style),
  )
  const left = result.left
    ? renderLine('left', 'green', `${key}: ${result.left}, as before the restore; start it when you want it`, style)
    : ''
  return checks.join('') + left + renderNotes(result, style)
}
