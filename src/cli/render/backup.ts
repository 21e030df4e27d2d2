import type { BackupResult } from '../../job/job.ts'
import { targetKeyOf } from '../../plan/plan.ts'
import { formatBytes, formatSeconds } from './format.ts'
import { paintOutcome, renderNotes } from './result.ts'
import { type Column, renderTable } from './table.ts'
import type { TextStyle } from './text-style.ts'

/** A table with a row for each target, then the warnings and errors. */
export function renderBackup(targets: BackupResult[], style: TextStyle): string {
  const columns: Column<BackupResult>[] = [
    { title: 'TARGET', cell: targetKeyOf },
    { title: 'RESULT', cell: ({ outcome }) => paintOutcome(outcome, style) },
    { title: 'SNAPSHOT', cell: ({ snapshot }) => snapshot ?? '' },
    { title: 'SIZE', cell: ({ bytes }) => (bytes === undefined ? '' : formatBytes(bytes)) },
    { title: 'TOOK', cell: ({ seconds }) => formatSeconds(seconds) },
    {
      title: 'DOWN',
      cell: ({ stopped, downtimeSeconds }) => (stopped.length > 0 ? formatSeconds(downtimeSeconds) : ''),
    },
    {
      title: 'STORED',
      place: 'fold',
      lead: 'stored as',
      cell: ({ storedBytes }) => (storedBytes === undefined ? '' : formatBytes(storedBytes)),
    },
    { title: 'METHOD', place: 'wide', cell: ({ method }) => method },
  ]
  return renderTable(columns, targets, style) + targets.map((result) => renderNotes(result, style)).join('')
}
