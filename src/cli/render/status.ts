import type { Problem } from '../../plan/plan.ts'
import type { RepositoryStatus, StatusReport, TargetStatus } from '../../report/status.ts'
import { targetKeyOf } from '../target-key.ts'
import { formatBytes, formatSeconds, formatTime } from './format.ts'
import { renderProblems } from './problems.ts'
import { renderTable } from './table.ts'
import { paint, type TextStyle } from './text-style.ts'

/** A table of the targets, a table of the repositories, and a line for each problem. */
export function renderStatus({ targets, repositories, problems, recovery }: StatusReport, style: TextStyle): string {
  return [
    renderTargets(targets, style),
    renderRepositories(repositories, style),
    recovery.map((what) => `${paint(style, 'yellow', 'recovery:')} ${what}\n`).join(''),
    renderAllProblems(repositories, problems, style),
  ]
    .filter(Boolean)
    .join(style.terminal ? '\n' : '')
}

function renderTargets(targets: TargetStatus[], style: TextStyle): string {
  const head = ['TARGET', 'STATE', 'LAST BACKUP', 'AGE', 'RPO', 'SCHEDULE', 'NEXT RUN']
  const rows = targets.map((target) => [
    targetKeyOf(target),
    describeState(target, style),
    formatTime(target.lastSuccess, style),
    target.ageSeconds === null ? '—' : formatSeconds(target.ageSeconds),
    target.rpoSeconds === null ? '—' : formatSeconds(target.rpoSeconds),
    target.schedule ?? '—',
    formatTime(target.nextRun, style),
  ])
  return renderTable(head, rows, style)
}

function describeState({ method, rpoMet, lastSuccess, running }: TargetStatus, style: TextStyle): string {
  if (method === null) return paint(style, 'red', 'broken')
  const met = rpoMet === true
  const word = lastSuccess === null ? 'never backed up' : met ? 'ok' : 'too old'
  return paint(style, met ? 'green' : 'red', word) + (running ? ', running' : '')
}

function renderRepositories(repositories: RepositoryStatus[], style: TextStyle): string {
  const head = ['REPOSITORY', 'STATE', 'ADDRESS', 'SNAPSHOTS', 'STORED']
  const rows = repositories.map(({ tier, ok, url, snapshots, storedBytes }) => [
    tier,
    ok ? paint(style, 'green', 'ok') : paint(style, 'red', 'unreachable'),
    url,
    String(snapshots),
    formatBytes(storedBytes),
  ])
  return renderTable(head, rows, style)
}

function renderAllProblems(repositories: RepositoryStatus[], problems: Problem[], style: TextStyle): string {
  const errors = repositories.flatMap(({ tier, error }) =>
    error ? [`${paint(style, 'red', 'problem:')} ${tier} repository: ${error.message}\nhint: ${error.hint}\n`] : [],
  )
  return errors.join('') + renderProblems(problems, style)
}
