import type { ErrorReport } from '../../errors.ts'
import { type Problem, targetKey } from '../../plan/plan.ts'
import { formatBytes, formatSeconds, formatTime } from './format.ts'
import { type Look, paint } from './look.ts'
import { renderProblems } from './problems.ts'
import { renderTable } from './table.ts'

/** A target in `status`: contract, section 5. Null: not known, or not measured yet. */
export interface TargetRow {
  project: string
  target: string
  method: string | null
  container: string
  schedule: string | null
  lastSuccess: string | null
  ageSeconds: number | null
  rpoSeconds: number | null
  rpoMet: boolean | null
  lastDrill: string | null
  drillSeconds: number | null
  rtoSeconds: number | null
  rtoMet: boolean | null
  nextRun: string | null
  running: boolean
  problems: Problem[]
}

export interface RepositoryRow {
  tier: 'local'
  url: string
  ok: boolean
  snapshots: number
  storedBytes: number
  error?: ErrorReport
}

export function renderStatus(targets: TargetRow[], tiers: RepositoryRow[], problems: Problem[], look: Look): string {
  const rows = targets.map((row) => [
    targetKey({ project: row.project, name: row.target }),
    stateOf(row, look),
    formatTime(row.lastSuccess, look),
    row.ageSeconds === null ? '—' : formatSeconds(row.ageSeconds),
    row.rpoSeconds === null ? '—' : formatSeconds(row.rpoSeconds),
    row.schedule ?? '—',
    formatTime(row.nextRun, look),
  ])
  const head = ['TARGET', 'STATE', 'LAST BACKUP', 'AGE', 'RPO', 'SCHEDULE', 'NEXT RUN']
  const stores = tiers.map((tier) => [
    tier.tier,
    tier.ok ? paint(look, 'green', 'ok') : paint(look, 'red', 'unreachable'),
    tier.url,
    String(tier.snapshots),
    formatBytes(tier.storedBytes),
  ])
  const storeTable = renderTable(['REPOSITORY', 'STATE', 'ADDRESS', 'SNAPSHOTS', 'STORED'], stores, look)
  return [renderTable(head, rows, look), storeTable, renderTrouble(tiers, problems, look)]
    .filter(Boolean)
    .join(look.terminal ? '\n' : '')
}

function stateOf(row: TargetRow, look: Look): string {
  if (row.problems.length > 0) return paint(look, 'red', 'broken')
  const met = row.rpoMet === true
  const word = row.lastSuccess === null ? 'never backed up' : met ? 'ok' : 'too old'
  return paint(look, met ? 'green' : 'red', word) + (row.running ? ', running' : '')
}

function renderTrouble(tiers: RepositoryRow[], problems: Problem[], look: Look): string {
  const errors = tiers.flatMap(({ tier, error }) =>
    error ? [`${paint(look, 'red', 'problem:')} ${tier} repository: ${error.message}\nhint: ${error.hint}\n`] : [],
  )
  return errors.join('') + renderProblems(problems, look)
}
