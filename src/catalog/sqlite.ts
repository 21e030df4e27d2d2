import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { BackupError, reportError } from '../errors.ts'
import { holdLivenessLock, isLivenessLockHeld } from '../lib/liveness-lock.ts'
import type { Catalog, Intent, Run, RunEnd, ScheduleState } from './catalog.ts'

type Row = Record<string, SQLInputValue>

/** One small database in the state directory, shared by the controller and every command that runs beside it. */
export function openCatalog(stateDirectory: string): Catalog {
  const owners = join(stateDirectory, 'owners')
  const { database, owner, sign } = openState(stateDirectory, owners)
  const isDead = (id: unknown) => id !== owner && !isLivenessLockHeld(join(owners, `${id}.life`))

  const all = (sql: string, ...values: SQLInputValue[]) => database.prepare(sql).all(...values) as Row[]
  const change = (sql: string, ...values: SQLInputValue[]) => database.prepare(sql).run(...values)
  const atomically = <T>(work: () => T): T => {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      database.exec('COMMIT')
      return result
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }
  const takeLock = (key: string, run: string) => {
    const [held] = all('SELECT owner, run FROM locks WHERE key = ?', key)
    if (held && !isDead(held.owner)) {
      throw new BackupError('BUSY', `${key.replace(':', ' ')} is being worked on by run ${held.run}`)
    }
    change('INSERT OR REPLACE INTO locks (key, owner, run) VALUES (?, ?, ?)', key, owner, run)
  }

  return {
    owner,
    lock(keys, run) {
      const wanted = [...new Set(keys)]
      atomically(() => {
        for (const key of wanted) takeLock(key, run)
      })
      return {
        [Symbol.dispose]: () => {
          for (const key of wanted) change('DELETE FROM locks WHERE key = ? AND owner = ? AND run = ?', key, owner, run)
        },
      }
    },
    holders: () =>
      all('SELECT key, run, owner FROM locks ORDER BY key')
        .filter((row) => !isDead(row.owner))
        .map((row) => ({ key: String(row.key), run: String(row.run) })),

    addIntent(intent) {
      const { lastInsertRowid } = change(
        'INSERT INTO intents (owner, detail) VALUES (?, ?)',
        owner,
        JSON.stringify(intent),
      )
      return Number(lastInsertRowid)
    },
    dropIntent: (id) => void change('DELETE FROM intents WHERE id = ?', id),
    abandonIntent: (id) => void change('UPDATE intents SET owner = NULL WHERE id = ?', id),
    claimOrphans: () =>
      atomically(() => {
        const orphans = all('SELECT id, owner, detail FROM intents ORDER BY id DESC').filter(
          (row) => row.owner === null || isDead(row.owner),
        )
        for (const row of orphans) change('UPDATE intents SET owner = ? WHERE id = ?', owner, row.id as number)
        return orphans.map((row) => ({ id: Number(row.id), intent: JSON.parse(String(row.detail)) as Intent }))
      }),

    startRun: ({ id, kind, project, target, started }) =>
      void change(
        'INSERT INTO runs (id, owner, kind, project, target, started) VALUES (?, ?, ?, ?, ?, ?)',
        ...[id, owner, kind, project, target, started],
      ),
    finishRun: (id, project, target, end) =>
      void change(
        'UPDATE runs SET outcome = ?, end = ? WHERE id = ? AND project = ? AND target = ?',
        ...[end.outcome, JSON.stringify(end), id, project, target],
      ),
    runs({ project, target, kind, outcome, limit = 100 }) {
      const rows = all(
        `SELECT * FROM runs WHERE (?1 IS NULL OR project = ?1) AND (?2 IS NULL OR target = ?2)
         AND (?3 IS NULL OR kind = ?3) ORDER BY started DESC, rowid DESC LIMIT ?4`,
        // Whether a run without an end failed is known only here: then all are read.
        ...[project ?? null, target ?? null, kind ?? null, outcome ? -1 : limit],
      )
      const runs = rows.map((row) => toRun(row, isDead(row.owner)))
      return runs.filter((run) => !outcome || run.outcome === outcome).slice(0, limit)
    },

    schedule(project, target) {
      const [row] = all('SELECT state FROM schedules WHERE project = ? AND target = ?', project, target)
      return row ? (JSON.parse(String(row.state)) as ScheduleState) : {}
    },
    saveSchedule(project, target, state) {
      atomically(() => {
        const merged = { ...this.schedule(project, target), ...state }
        change('INSERT OR REPLACE INTO schedules VALUES (?, ?, ?)', project, target, JSON.stringify(merged))
      })
    },

    [Symbol.dispose]() {
      change('DELETE FROM locks WHERE owner = ?', owner)
      database.close()
      sign[Symbol.dispose]()
    },
  }
}

function openState(stateDirectory: string, owners: string) {
  try {
    mkdirSync(owners, { recursive: true, mode: 0o700 })
    const owner = randomBytes(8).toString('hex')
    const sign = holdLivenessLock(join(owners, `${owner}.life`))
    const database = new DatabaseSync(join(stateDirectory, 'catalog.db'), { timeout: 10_000 })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    database.exec(schema)
    forgetDeadOwners(owners, owner)
    return { database, owner, sign }
  } catch (cause) {
    throw new BackupError('STATE_UNUSABLE', `state directory ${stateDirectory}: ${(cause as Error).message}`, { cause })
  }
}

/** `end` is the RunEnd as JSON. One run has a row per target. */
const schema = `
  CREATE TABLE IF NOT EXISTS locks (key TEXT PRIMARY KEY, owner TEXT NOT NULL, run TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS intents (id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT, detail TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS runs (id TEXT, owner TEXT NOT NULL, kind TEXT NOT NULL, project TEXT NOT NULL, target TEXT NOT NULL,
    started TEXT NOT NULL, outcome TEXT, end TEXT, PRIMARY KEY (id, project, target)) STRICT;
  CREATE INDEX IF NOT EXISTS runs_by_target ON runs (project, target, started);
  CREATE TABLE IF NOT EXISTS schedules (project TEXT, target TEXT, state TEXT NOT NULL, PRIMARY KEY (project, target)) STRICT;
`

function forgetDeadOwners(owners: string, owner: string): void {
  for (const name of readdirSync(owners)) {
    const path = join(owners, name)
    if (name.endsWith('.life') && name !== `${owner}.life` && !isLivenessLockHeld(path)) rmSync(path, { force: true })
  }
}

function toRun(row: Row, dead: boolean): Run {
  const end: Partial<RunEnd> = row.end ? JSON.parse(String(row.end)) : dead ? interrupted(String(row.started)) : {}
  const text = (name: string) => String(row[name])
  const kind = text('kind') as Run['kind']
  return { id: text('id'), kind, project: text('project'), target: text('target'), started: text('started'), ...end }
}

const interrupted = (started: string): RunEnd => {
  const error = reportError(new BackupError('INTERRUPTED', 'the process that ran it died'))
  return { finished: started, outcome: 'failed', error }
}
