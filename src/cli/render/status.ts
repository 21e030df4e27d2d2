import type { ErrorReport } from '../../errors.ts'
import { type Problem, targetKeyOf } from '../../plan/plan.ts'
import { stateOf } from '../../report/state.ts'
import { hasFailed, type RepositoryStatus, type StatusReport, type TargetStatus } from '../../report/status.ts'
import { describeDamaged } from './damage.ts'
import { formatBytes, formatSeconds } from './format.ts'
import { joinBlocks, renderLine } from './line.ts'
import { renderProblems } from './problems.ts'
import { type Column, renderTable } from './table.ts'
import { paint, type TextStyle } from './text-style.ts'
import { formatTime, timeColumn } from './time.ts'
import { paintVerdict } from './verify.ts'

/** A table of the targets, a table of the repositories, and a sentence for each problem. */
export function renderStatus(report: StatusReport, style: TextStyle): string {
  const { targets, repositories, problems, recovery, prune } = report
  return joinBlocks(
    renderTargets(targets, style),
    renderRepositories(repositories, style),
    recovery.map((what) => renderLine('recovery', 'yellow', what, style)).join(''),
    targets.map((target) => renderLastRun(target, style)).join('') +
      renderAllProblems(repositories, problems, style) +
      repositories.map((one) => renderKey(one, style)).join('') +
      renderPruned(prune, style),
    renderDamaged(repositories, targets, style),
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
    { title: 'DRILL', place: 'fold', lead: 'drill', cell: (target) => describeDrill(target, style) },
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

/** The verdict of the newest drill, and the time that the newest proof took against the objective. */
function describeDrill({ lastVerdict, drillSeconds, rtoSeconds, rtoMet }: TargetStatus, style: TextStyle): string {
  if (lastVerdict === null) return ''
  const took = drillSeconds === null ? '' : ` ${formatSeconds(drillSeconds)} of ${formatSeconds(rtoSeconds ?? 0)}`
  return paintVerdict(lastVerdict, style) + (rtoMet === false ? paint(style, 'red', took) : took)
}

function describeState(target: TargetStatus, style: TextStyle): string {
  const { word, isGood } = stateOf(target)
  return paint(style, isGood ? 'green' : 'red', word) + (target.running ? ', running' : '')
}

/** Why the newest backup of a target failed, and what to do; empty where it did not. */
function renderLastRun(target: TargetStatus, style: TextStyle): string {
  const { lastRun } = target
  if (lastRun === null || !hasFailed(target)) return ''
  const { time, outcome, error } = lastRun
  const word = outcome === 'failed' ? 'failed' : 'was incomplete'
  const why = error === undefined ? '' : `: ${error.message} (${error.code})`
  const what = `${targetKeyOf(target)}: the last backup ${word} at ${formatTime(time, style)}${why}`
  return renderLine('problem', 'red', what, style) + (error ? renderLine('hint', 'bold', error.hint, style) : '')
}

function renderRepositories(repositories: RepositoryStatus[], style: TextStyle): string {
  const columns: Column<RepositoryStatus>[] = [
    { title: 'REPOSITORY', cell: ({ tier }) => tier },
    { title: 'STATE', cell: ({ ok }) => (ok ? paint(style, 'green', 'ok') : paint(style, 'red', 'unreachable')) },
    { title: 'SNAPSHOTS', cell: ({ snapshots }) => String(snapshots) },
    { title: 'STORED', cell: ({ storedBytes }) => formatBytes(storedBytes) },
    ...(repositories.length > 1 ? [copiesColumn(style)] : []),
    { title: 'ADDRESS', place: 'fold', lead: 'address', cell: ({ url }) => url },
  ]
  return renderTable(columns, repositories, style)
}

const copiesColumn = (style: TextStyle): Column<RepositoryStatus> => ({
  title: 'COPIES',
  place: 'fold',
  lead: 'copies',
  cell: (one) => describeCopies(one, style),
})

/** How far the remote repository lags behind; empty for another one. */
function describeCopies({ replication }: RepositoryStatus, style: TextStyle): string {
  if (replication === null) return ''
  const { waiting, since } = replication
  return since === null ? 'nothing waits' : `${waiting} wait, the oldest since ${formatTime(since, style)}`
}

function renderAllProblems(repositories: RepositoryStatus[], problems: Problem[], style: TextStyle): string {
  const lines = repositories.flatMap(({ tier, error, problems }) => [
    ...(error ? [renderProblem({ ...error, message: `${tier} repository: ${error.message}` }, style)] : []),
    ...problems.map((problem) => renderProblem(problem, style)),
  ])
  return lines.join('') + renderProblems(problems, style)
}

const renderProblem = ({ message, hint }: Pick<ErrorReport, 'message' | 'hint'>, style: TextStyle): string =>
  renderLine('problem', 'red', message, style) + renderLine('hint', 'bold', hint, style)

/** A reminder, which is no problem: no objective is missed for it. */
const renderKey = ({ tier, keyConfirmed }: RepositoryStatus, style: TextStyle): string =>
  keyConfirmed === false
    ? renderLine(
        'key',
        'yellow',
        `without its key nobody reads the ${tier} repository again, and it is not known to lie elsewhere: xnai-backup repository key`,
        style,
      )
    : ''

/** Why the last removal of old snapshots failed; empty where it did not. */
function renderPruned(prune: StatusReport['prune'], style: TextStyle): string {
  if (prune?.error === undefined) return ''
  const { message, code, hint } = prune.error
  const when = formatTime(prune.time, style)
  return renderProblem({ message: `old snapshots could not be removed at ${when}: ${message} (${code})`, hint }, style)
}

/** Damaged snapshots that are shown of each repository; `list` shows all. */
const shownDamaged = 5

/** The newest damaged snapshots of each repository, without those that a problem tells of. */
function renderDamaged(repositories: RepositoryStatus[], targets: TargetStatus[], style: TextStyle): string {
  const told = new Set(targets.map(({ damaged }) => damaged))
  const lines = repositories.flatMap(({ damaged }) => {
    const others = damaged.filter(({ id }) => !told.has(id)).toSorted((a, b) => (a.id > b.id ? -1 : 1))
    const more = others.length - shownDamaged
    return [
      ...others.slice(0, shownDamaged).map((each) => describeDamaged(each, style)),
      ...(more > 0 ? [`${more} more; see xnai-backup list`] : []),
    ]
  })
  return lines.map((text) => renderLine('damaged', 'yellow', text, style)).join('')
}
