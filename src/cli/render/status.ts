import type { ErrorReport } from '../../errors.ts'
import { type Problem, targetKey } from '../../plan/plan.ts'
import type { Tier } from '../../repository/repository.ts'
import { formatBytes, formatSeconds, formatTime } from './format.ts'
import { renderProblems } from './problems.ts'
import { renderTable } from './table.ts'
import { paint, type TextStyle } from './text-style.ts'

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
  tier: Tier
  url: string
  ok: boolean
  snapshots: number
  storedBytes: number
  error?: ErrorReport
}

export function renderStatus(
  targets: TargetRow[],
  tiers: RepositoryRow[],
  problems: Problem[],
  style: TextStyle,
): string {
  const rows = targets.map((row) => [
    targetKey({ project: row.project, name: row.target }),
    stateOf(row, style),
    formatTime(row.lastSuccess, style),
    row.ageSeconds === null ? '—' : formatSeconds(row.ageSeconds),
    row.rpoSeconds === null ? '—' : formatSeconds(row.rpoSeconds),
    row.schedule ?? '—',
    formatTime(row.nextRun, style),
  ])
  const head = ['TARGET', 'STATE', 'LAST BACKUP', 'AGE', 'RPO', 'SCHEDULE', 'NEXT RUN']
  const stores = tiers.map((tier) => [
    tier.tier,
    tier.ok ? paint(style, 'green', 'ok') : paint(style, 'red', 'unreachable'),
    tier.url,
    String(tier.snapshots),
    formatBytes(tier.storedBytes),
  ])
  const storeTable = renderTable(['REPOSITORY', 'STATE', 'ADDRESS', 'SNAPSHOTS', 'STORED'], stores, style)
  return [renderTable(head, rows, style), storeTable, renderTrouble(tiers, problems, style)]
    .filter(Boolean)
    .join(style.terminal ? '\n' : '')
}

function stateOf(row: TargetRow, style: TextStyle): string {
  if (row.problems.length > 0) return paint(style, 'red', 'broken')
  const met = row.rpoMet === true
  const word = row.lastSuccess === null ? 'never backed up' : met ? 'ok' : 'too old'
  return paint(style, met ? 'green' : 'red', word) + (row.running ? ', running' : '')
}

function renderTrouble(tiers: RepositoryRow[], problems: Problem[], style: TextStyle): string {
  const errors = tiers.flatMap(({ tier, error }) =>
    error ? [`${paint(style, 'red', 'problem:')} ${tier} repository: ${error.message}\nhint: ${error.hint}\n`] : [],
  )
  return errors.join('') + renderProblems(problems, style)
}
