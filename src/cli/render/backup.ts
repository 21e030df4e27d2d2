import type { BackupResult } from '../../job/job.ts'
import { targetKey } from '../../plan/plan.ts'
import { renderReport } from './error.ts'
import { formatBytes, formatSeconds } from './format.ts'
import { type Look, paint } from './look.ts'
import { renderTable } from './table.ts'

export function renderBackup(targets: BackupResult[], look: Look): string {
  const head = ['TARGET', 'METHOD', 'RESULT', 'SNAPSHOT', 'SIZE', 'STORED', 'TOOK', 'DOWN']
  const rows = targets.map((result) => [
    keyOf(result),
    result.method,
    paintOutcome(result.outcome, look),
    result.snapshot ?? '—',
    result.bytes === undefined ? '—' : formatBytes(result.bytes),
    result.storedBytes === undefined ? '—' : formatBytes(result.storedBytes),
    formatSeconds(result.seconds),
    result.stopped.length === 0 ? '—' : formatSeconds(result.downtimeSeconds),
  ])
  return renderTable(head, rows, look) + targets.map((result) => renderNotes(result, look)).join('')
}

export const keyOf = ({ project, target }: { project: string; target: string }): string =>
  targetKey({ project, name: target })

export const paintOutcome = (outcome: BackupResult['outcome'], look: Look): string =>
  paint(look, outcome === 'complete' ? 'green' : 'red', outcome)

/** Warnings and the error of one target. */
export function renderNotes(
  result: Pick<BackupResult, 'project' | 'target' | 'warnings' | 'error'>,
  look: Look,
): string {
  const warnings = result.warnings.map((text) => `${paint(look, 'yellow', 'warning:')} ${keyOf(result)}: ${text}\n`)
  return warnings.join('') + (result.error ? renderReport(keyOf(result), result.error, look) : '')
}
