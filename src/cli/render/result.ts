import type { BackupResult } from '../../job/job.ts'
import { targetKeyOf } from '../../plan/plan.ts'
import { renderReport } from './error.ts'
import { renderLine } from './line.ts'
import { paint, type TextStyle } from './text-style.ts'

/** The outcome of one target as a word: green for complete, else red. */
export const paintOutcome = (outcome: BackupResult['outcome'], style: TextStyle): string =>
  paint(style, outcome === 'complete' ? 'green' : 'red', outcome)

/** The warnings and the error of one target; empty without any. */
export function renderNotes(
  result: Pick<BackupResult, 'project' | 'target' | 'warnings' | 'error'>,
  style: TextStyle,
): string {
  const key = targetKeyOf(result)
  const warnings = result.warnings.map((text) => renderLine('warning', 'yellow', `${key}: ${text}`, style))
  return warnings.join('') + (result.error ? renderReport(key, result.error, style) : '')
}
