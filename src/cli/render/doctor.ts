import type { Diagnosis } from '../../doctor/check.ts'
import { joinBlocks, renderLine } from './line.ts'
import type { TextStyle } from './text-style.ts'

/** A line for each check, with what to do under each that failed, and how many there are of both. */
export function renderDiagnoses(checks: Diagnosis[], style: TextStyle): string {
  const lines = checks.map(({ name, ok, detail, fix }) => {
    const found = renderLine(ok ? 'ok' : 'failed', ok ? 'green' : 'red', `${name}: ${detail}`, style)
    return fix === null ? found : found + renderLine('fix', 'bold', fix, style)
  })
  const bad = checks.filter(({ ok }) => !ok).length
  const sum = bad === 0 ? `All ${checks.length} checks passed.\n` : `${bad} of ${checks.length} checks failed.\n`
  return joinBlocks(lines.join(''), sum)
}
