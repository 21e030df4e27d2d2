import type { Problem } from '../../plan/plan.ts'
import type { RepositoryStatus, StatusReport, TargetStatus } from '../../report/status.ts'
import { targetKeyOf } from '../target-key.ts'
import { formatBytes, formatSeconds } from './format.ts'
import { joinBlocks, renderLine } from './line.ts'
import { renderProblems } from './problems.ts'
import { type Column, renderTable } from './table.ts'
import { paint, type TextStyle } from './text-style.ts'
import { formatTime, timeColumn } from './time.ts'

/** A table of the targets, a table of the repositories, and a sentence for each problem. */
export function renderStatus({ targets, repositories, problems, recovery }: StatusReport, style: TextStyle): string {
  return joinBlocks(
    renderTargets(targets, style),
    renderRepositories(repositories, style),
    recovery.map((what) => renderLine('recovery', 'yellow', what, style)).join(''),
    renderAllProblems(repositories, problems, style),
  )
}

function renderTargets(targets: TargetStatus[], style: TextStyle): string {
  const columns: Column<TargetStatus>[] = [
    { title: 'TARGET', cell: targetKeyOf },
    { title: 'STATE', cell: (target) => describeState(target, style) },
    timeColumn({ title: 'LAST BACKUP', timeOf: ({ lastSuccess }) => lastSuccess }, targets, style),
    { title: 'AGE', cell: ({ ageSeconds }) => (ageSeconds === null ? '' : formatSeconds(ageSeconds)) },
    { title: 'LIMIT', cell: ({ rpoSeconds }) => (rpoSeconds === null ? '' : formatSeconds(rpoSeconds)) },
    timeColumn({ ...nextRunColumn, place: 'fold', lead: 'next run' }, targets, style),
    { title: 'WAITING', place: 'fold', lead: 'waiting', cell: (target) => describeWaiting(target, style) },
    { title: 'SCHEDULE', place: 'wide', cell: ({ schedule }) => schedule ?? '' },
  ]
  return renderTable(columns, targets, style)
}

/** A schedule without slots, `on-change` or `manual`, stands in place of the time. */
const nextRunColumn = {
  title: 'NEXT RUN',
  timeOf: ({ nextRun }: TargetStatus) => nextRun,
  otherwise: ({ schedule }: TargetStatus) => schedule ?? '',
}

function describeWaiting({ waiting }: TargetStatus, style: TextStyle): string {
  if (waiting === null) return ''
  const { lastChangeSeconds, atLatest } = waiting
  return `last change ${formatSeconds(lastChangeSeconds)} ago; backed up at the latest ${formatTime(atLatest, style)}`
}

function describeState({ method, rpoMet, lastSuccess, running }: TargetStatus, style: TextStyle): string {
  if (method === null) return paint(style, 'red', 'broken')
  const met = rpoMet === true
  const word = lastSuccess === null ? 'never backed up' : met ? 'ok' : 'too old'
  return paint(style, met ? 'green' : 'red', word) + (running ? ', running' : '')
}

function renderRepositories(repositories: RepositoryStatus[], style: TextStyle): string {
  const columns: Column<RepositoryStatus>[] = [
    { title: 'REPOSITORY', cell: ({ tier }) => tier },
    { title: 'STATE', cell: ({ ok }) => (ok ? paint(style, 'green', 'ok') : paint(style, 'red', 'unreachable')) },
    { title: 'SNAPSHOTS', cell: ({ snapshots }) => String(snapshots) },
    { title: 'STORED', cell: ({ storedBytes }) => formatBytes(storedBytes) },
    { title: 'ADDRESS', place: 'fold', lead: 'address', cell: ({ url }) => url },
  ]
  return renderTable(columns, repositories, style)
}

function renderAllProblems(repositories: RepositoryStatus[], problems: Problem[], style: TextStyle): string {
  const errors = repositories.flatMap(({ tier, error }) =>
    error
      ? [
          renderLine('problem', 'red', `${tier} repository: ${error.message}`, style),
          renderLine('hint', 'bold', error.hint, style),
        ]
      : [],
  )
  return errors.join('') + renderProblems(problems, style)
}
