import type { Run } from './catalog.ts'
import type { Database } from './database.ts'
import type { Owner } from './owner.ts'
import { findUnmarked, markRun } from './runs.ts'

/** Remembers what was told to whom, and what is still to be told. */
export interface Notices {
  /** Returns the state that the last decision has recorded; undefined before the first one. */
  noticeState(): unknown
  /**
   * Runs whose begin or end no decision has seen yet, the oldest first. A run that both began and ended since is answered once, with its end.
   */
  unnoticedRuns(project?: string): Run[]
  /** Records a decision in one transaction: the state after it, the runs that it has seen, and what is to be told. */
  recordNotices(decision: { state: object; runs: Run[]; notices: NewNotice[] }): void
  /** Returns the notices that no service has taken yet, the oldest first. */
  notices(): Notice[]
  /** Forgets a notice, because it was taken or is given up. */
  dropNotice(id: number): void
}

export interface NewNotice {
  /** Tells addresses apart. It MUST NOT hold a part of the address itself, which is a secret. */
  address: string
  /** What is to be told. It MUST NOT hold a secret. */
  detail: object
  /** True where it makes all that this address was to be told before it worthless. */
  replaces?: boolean
}

export interface Notice {
  id: number
  address: string
  detail: unknown
}

/** Notices that are kept for one address. The oldest go first. */
const keptPerAddress = 50

/** The state stands beside the schedules of targets, under a project that has no name: no target has such a one. */
const [project, name] = ['', 'notices']

export function makeNotices(database: Database, owner: Owner): Notices {
  const { all, change, atomically } = database
  return {
    noticeState: () => {
      const [row] = all('SELECT state FROM schedules WHERE project = ? AND target = ?', project, name)
      return row && JSON.parse(String(row.state))
    },
    unnoticedRuns: (of) => findUnnoticed(database, owner, of),
    recordNotices: ({ state, runs, notices }) =>
      atomically(() => {
        change('INSERT OR REPLACE INTO schedules VALUES (?, ?, ?)', project, name, JSON.stringify(state))
        for (const run of runs) markRun(database, 'noticed', run)
        for (const notice of notices) addNotice(database, notice)
      }),
    notices: () =>
      all('SELECT id, address, detail FROM notices ORDER BY id').map(({ id, address, detail }) => ({
        id: Number(id),
        address: String(address),
        detail: JSON.parse(String(detail)),
      })),
    dropNotice: (id) => void change('DELETE FROM notices WHERE id = ?', id),
  }
}

function findUnnoticed(database: Database, owner: Owner, of: string | undefined): Run[] {
  return findUnmarked(database, owner, 'noticed', of).flatMap(({ run, isBeginMarked }) =>
    run.outcome !== undefined || !isBeginMarked ? [run] : [],
  )
}

function addNotice({ change }: Database, { address, detail, replaces }: NewNotice): void {
  if (replaces) change('DELETE FROM notices WHERE address = ?', address)
  change('INSERT INTO notices (address, detail) VALUES (?, ?)', address, JSON.stringify(detail))
  change(
    `DELETE FROM notices WHERE address = ? AND id NOT IN
       (SELECT id FROM notices WHERE address = ? ORDER BY id DESC LIMIT ?)`,
    ...[address, address, keptPerAddress],
  )
}
