import { BackupError, reportError } from '../errors.ts'
import type { Run, RunEnd, RunFilter, RunStart, Runs, RunTrigger } from './catalog.ts'
import type { Database, Row } from './database.ts'
import type { Owner } from './owner.ts'
import type { RunProgress } from './progress.ts'

/** Runs that are kept of each kind and target. Decisions look at the newest 20. */
const keptPerTarget = 200
const keptMs = 365 * 86_400_000

export function makeRuns(database: Database, owner: Owner): Runs {
  const { change, atomically } = database
  return {
    startRun: (run) =>
      atomically(() => {
        const { id, kind, trigger, project, target, started } = run
        change(
          'INSERT INTO runs (id, owner, kind, "trigger", project, target, started, told, noticed) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)',
          ...[id, owner.id, kind, trigger, project, target, started],
        )
        prune(database, owner, run)
      }),
    finishRun: (id, project, target, end) =>
      void change(
        `UPDATE runs SET outcome = ?, end = ?, told = CASE "trigger" WHEN 'manual' THEN told ELSE 2 END
         WHERE id = ? AND project = ? AND target = ?`,
        ...[end.outcome, JSON.stringify(end), id, project, target],
      ),
    noteProgress: (id, project, target, progress) =>
      void change(
        'UPDATE runs SET progress = ? WHERE id = ? AND project = ? AND target = ?',
        ...[JSON.stringify(progress), id, project, target],
      ),
    runs: (filter) => findRuns(database, owner, filter),
    lastSnapshot: (project, target) => findLastSnapshot(database, project, target),
    targetsWithRuns: () =>
      database
        .all('SELECT DISTINCT project, target FROM runs ORDER BY project, target')
        .map(({ project, target }) => ({ project: String(project), target: String(target) })),
    untoldRuns: (project) => findUntold(database, owner, project),
    noteTold: (run) => markRun(database, 'told', run),
  }
}

/** Removes what is not kept any more, now that `run` has started. A run that has not ended stays, unless its owner is dead. */
function prune({ all, change }: Database, owner: Owner, { project, target, kind, started }: RunStart): void {
  const surplus = all(
    `SELECT rowid, owner, outcome FROM runs WHERE project = ? AND target = ? AND kind = ?
     ORDER BY started DESC, rowid DESC LIMIT -1 OFFSET ?`,
    ...[project, target, kind, keptPerTarget],
  )
  const oldest = new Date(Date.parse(started) - keptMs).toISOString()
  const expired = all('SELECT rowid, owner, outcome FROM runs WHERE started < ?', oldest)
  for (const { rowid, owner: of, outcome } of [...surplus, ...expired]) {
    if (outcome !== null || owner.isDead(of)) change('DELETE FROM runs WHERE rowid = ?', Number(rowid))
  }
}

/** Only what is asked for stands in the WHERE clause, so that an index serves it. */
function findRuns({ all }: Database, owner: Owner, { limit = 100, outcome, ...wanted }: RunFilter): Run[] {
  const columns = (['project', 'target', 'kind'] as const).filter((column) => wanted[column] !== undefined)
  // A run without an end may have failed. Only its owner's liveness lock knows, so that all of them are read.
  const conditions = [
    ...columns.map((column) => `${column} = ?`),
    ...(outcome ? ['(outcome = ? OR outcome IS NULL)'] : []),
  ]
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  const rows = all(
    `SELECT * FROM runs ${where} ORDER BY started DESC, rowid DESC LIMIT ?`,
    ...columns.map((column) => wanted[column] as string),
    ...(outcome ? [outcome, -1] : [limit]),
  )
  const runs = rows.map((row) => toRun(row, owner))
  return runs.filter((run) => !outcome || run.outcome === outcome).slice(0, limit)
}

/** The order of the records counts, because a clock that was wrong says nothing of the order of its times. */
function findLastSnapshot({ all }: Database, project: string, target: string): string | undefined {
  const [row] = all(
    `SELECT "end" FROM runs WHERE project = ? AND target = ? AND kind = 'backup' AND outcome <> 'failed'
     ORDER BY rowid DESC LIMIT 1`,
    ...[project, target],
  )
  return row && (JSON.parse(String(row.end)) as RunEnd).snapshot
}

function findUntold(database: Database, owner: Owner, project: string | undefined): Run[] {
  return findUnmarked(database, owner, 'told', project).flatMap(({ run, isBeginMarked }) =>
    run.outcome !== undefined || (run.trigger === 'manual' && !isBeginMarked) ? [run] : [],
  )
}

/** A column in which a reader of the runs ticks them off: 1 once it has dealt with the begin of a run, 2 once it has with the end. */
export type RunMark = 'told' | 'noticed'

/** The runs whose end is not ticked off, the oldest first. */
export function findUnmarked(
  { all }: Database,
  owner: Owner,
  mark: RunMark,
  project: string | undefined,
): { run: Run; isBeginMarked: boolean }[] {
  const rows = all(
    `SELECT * FROM runs WHERE ${mark} < 2 AND project = COALESCE(?, project) ORDER BY started, rowid`,
    project ?? null,
  )
  return rows.map((row) => ({ run: toRun(row, owner), isBeginMarked: row[mark] !== 0 }))
}

/** Ticks off the end of a run that has ended, else its begin. */
export function markRun({ change }: Database, mark: RunMark, { id, project, target, outcome }: Run): void {
  change(
    `UPDATE runs SET ${mark} = ? WHERE id = ? AND project = ? AND target = ?`,
    ...[outcome === undefined ? 1 : 2, id, project, target],
  )
}

/** The column `end` holds the RunEnd as JSON; it is null until the run has ended. */
function toRun(row: Row, owner: Owner): Run {
  const text = (name: string) => String(row[name])
  const start: Run = {
    id: text('id'),
    kind: text('kind') as Run['kind'],
    ...(row.trigger !== null && { trigger: text('trigger') as RunTrigger }),
    project: text('project'),
    target: text('target'),
    started: text('started'),
  }
  if (row.end !== null) return { ...start, ...(JSON.parse(text('end')) as RunEnd) }
  if (owner.isDead(row.owner)) return { ...start, ...interrupted(start.started) }
  return row.progress === null ? start : { ...start, progress: JSON.parse(text('progress')) as RunProgress }
}

function interrupted(started: string): RunEnd {
  const error = reportError(new BackupError('INTERRUPTED', 'the process that ran it died'))
  return { finished: started, outcome: 'failed', error }
}
