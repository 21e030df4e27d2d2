import type { BackupResult } from '../../job/job.ts'
import { targetKeyOf } from '../target-key.ts'
import { formatBytes, formatSeconds } from './format.ts'
import { paintOutcome, renderNotes } from './result.ts'
import { renderTable } from './table.ts'
import type { TextStyle } from './text-style.ts'

/** A table with a row for each target, then the warnings and errors. */
export function renderBackup(targets: BackupResult[], style: TextStyle): string {
  const head = ['TARGET', 'METHOD', 'RESULT', 'SNAPSHOT', 'SIZE', 'STORED', 'TOOK', 'DOWN']
  const rows = targets.map((result) => [
    targetKeyOf(result),
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
