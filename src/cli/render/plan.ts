import { type Problem, targetKeyOf } from '../../plan/plan.ts'
import type { LastStop } from '../../report/last-stop.ts'
import { formatSeconds } from './format.ts'
import { joinBlocks } from './line.ts'
import { renderProblems } from './problems.ts'
import { type Column, renderTable } from './table.ts'
import { paint, type TextStyle } from './text-style.ts'
import { timeColumn } from './time.ts'

/** The table of `plan` shows this of a target. A field is null where the target is broken. */
export interface PlannedTarget {
  project: string
  target: string
  method: string | null
  paths: string[]
  schedule: string | null
  nextRun: string | null
  quiesce: 'stop' | 'pause' | 'none' | null
  /** In the order in which they are stopped. */
  stops: string[]
  /** The systemd units that are stopped in place of containers, by the names of those. */
  units: Record<string, string>
  /** How long they were held for the newest backup that held any. */
  lastStop: LastStop | null
  retention: { local: string } | null
}

/** A row for each target, with what its backup stops and captures in the second line, then the problems. */
export function renderPlan(targets: PlannedTarget[], problems: Problem[], style: TextStyle): string {
  if (targets.length === 0 && problems.length === 0) return 'No container carries xnai.backup.enable=true.\n'
  const columns: Column<PlannedTarget>[] = [
    { title: 'TARGET', cell: targetKeyOf },
    { title: 'METHOD', cell: ({ method }) => method ?? paint(style, 'red', 'broken') },
    { title: 'SCHEDULE', cell: ({ schedule }) => schedule ?? '' },
    timeColumn({ title: 'NEXT RUN', timeOf: ({ nextRun }) => nextRun }, targets, style),
    { title: 'DURING THE BACKUP', place: 'fold', cell: describeHold },
    { title: 'CAPTURES', place: 'fold', lead: 'captures', cell: ({ paths }) => paths },
    { title: 'KEEPS', place: 'fold', lead: 'keeps', cell: ({ retention }) => retention?.local ?? '' },
  ]
  return joinBlocks(renderTable(columns, targets, style), renderProblems(problems, style))
}

function describeHold({ quiesce, stops, units, lastStop }: PlannedTarget): string {
  if (quiesce === null) return ''
  if (stops.length === 0) return 'nothing stops'
  const names = stops.map((name) => nameWithUnit(name, units)).join(', ')
  const longest = lastStop && Math.max(...Object.values(lastStop.heldSeconds))
  return `${quiesce === 'pause' ? 'pauses' : 'stops'} ${names}${longest === null ? '' : `, last for ${formatSeconds(longest)}`}`
}

const nameWithUnit = (name: string, units: Record<string, string>): string =>
  units[name] === undefined ? name : `${name} (${units[name]})`
