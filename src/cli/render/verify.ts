import type { DrillCheck, DrillVerdict } from '../../catalog/drill-end.ts'
import type { DrillResult } from '../../drill/result.ts'
import { targetKeyOf } from '../../plan/plan.ts'
import { formatSeconds } from './format.ts'
import { renderLine } from './line.ts'
import { renderNotes } from './result.ts'
import { type Column, renderTable } from './table.ts'
import { paint, type TextStyle } from './text-style.ts'

const colours = { verified: 'green', failed: 'red', 'could not run': 'yellow' } as const

export const paintVerdict = (verdict: DrillVerdict, style: TextStyle): string => paint(style, colours[verdict], verdict)

/** What was checked of each target, what was not tested, and at the end a table with a row for each. */
export const renderVerify = (targets: DrillResult[], evidence: string | undefined, style: TextStyle): string =>
  [
    ...targets.map((target) => renderTarget(target, style)),
    renderVerdicts(targets, style),
    evidence === undefined ? '' : renderLine('evidence', 'bold', evidence, style),
  ].join('')

/** A row for each target. */
export function renderVerdicts(targets: DrillResult[], style: TextStyle): string {
  const columns: Column<DrillResult>[] = [
    { title: 'TARGET', cell: targetKeyOf },
    { title: 'RESULT', cell: ({ verdict }) => paintVerdict(verdict, style) },
    { title: 'SNAPSHOT', cell: ({ snapshot }) => snapshot ?? '' },
    { title: 'TOOK', cell: ({ seconds }) => formatSeconds(seconds) },
    { title: 'LIMIT', cell: ({ rtoSeconds }) => (rtoSeconds === null ? '' : formatSeconds(rtoSeconds)) },
    { title: 'CHECKS', cell: ({ checks }) => `${checks.filter(({ ok }) => ok).length} of ${checks.length}` },
    { title: 'TIER', place: 'wide', cell: ({ tier }) => tier ?? '' },
  ]
  return renderTable(columns, targets, style)
}

function renderTarget(target: DrillResult, style: TextStyle): string {
  const key = targetKeyOf(target)
  const late = target.rtoMet === false
  return [
    ...target.checks.map((check) => renderCheck(key, check, style)),
    ...target.notTested.map((text) => renderLine('untested', 'yellow', `${key}: ${text}`, style)),
    late
      ? renderLine(
          'late',
          'red',
          `${key}: it took longer than the objective of ${formatSeconds(target.rtoSeconds ?? 0)}`,
          style,
        )
      : '',
    renderNotes(target, style),
  ].join('')
}

function renderCheck(key: string, { name, expected, actual, state }: DrillCheck, style: TextStyle): string {
  if (state === 'ok') return renderLine('proved', 'green', `${key}: ${name}: ${actual}`, style)
  if (state === 'not run')
    return renderLine('not run', 'yellow', `${key}: ${name}: ${actual.replace(/^not run: /, '')}`, style)
  return renderLine('differs', 'red', `${key}: ${name}: expected ${expected}, found ${actual}`, style)
}
