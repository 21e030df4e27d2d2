import type { BackupResult } from '../../job/job.ts'
import { targetKey } from '../../plan/plan.ts'
import { renderReport } from './error.ts'
import { formatBytes, formatSeconds } from './format.ts'
import { renderTable } from './table.ts'
import { paint, type TextStyle } from './text-style.ts'

export function renderBackup(targets: BackupResult[], style: TextStyle): string {
  const head = ['TARGET', 'METHOD', 'RESULT', 'SNAPSHOT', 'SIZE', 'STORED', 'TOOK', 'DOWN']
  const rows = targets.map((result) => [
    keyOf(result),
    result.method,
    paintOutcome(result.outcome, style),
    result.snapshot ?? '—',
    result.bytes === undefined ? '—' : formatBytes(result.bytes),
    result.storedBytes === undefined ? '—' : formatBytes(result.storedBytes),
    formatSeconds(result.seconds),
    result.stopped.length === 0 ? '—' : formatSeconds(result.downtimeSeconds),
  ])
  return renderTable(head, rows, style) + targets.map((result) => renderNotes(result, style)).join('')
}

export const keyOf = ({ project, target }: { project: string; target: string }): string =>
  targetKey({ project, name: target })

export const paintOutcome = (outcome: BackupResult['outcome'], style: TextStyle): string =>
  paint(style, outcome === 'complete' ? 'green' : 'red', outcome)

/** Warnings and the error of one target. */
export function renderNotes(
  result: Pick<BackupResult, 'project' | 'target' | 'warnings' | 'error'>,
  style: TextStyle,
): string {
  const warnings = result.warnings.map((text) => `${paint(style, 'yellow', 'warning:')} ${keyOf(result)}: ${text}\n`)
  return warnings.join('') + (result.error ? renderReport(keyOf(result), result.error, style) : '')
}
