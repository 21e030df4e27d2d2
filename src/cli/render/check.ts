import type { ErrorReport } from '../../errors.ts'
import type { Damage, Tampering, Tier } from '../../repository/repository.ts'
import { renderReport } from './error.ts'
import { joinBlocks, renderLine, renderText } from './line.ts'
import { type Column, renderTable } from './table.ts'
import { paint, type TextStyle } from './text-style.ts'
import { formatTime } from './time.ts'

/** One repository in the document of `check`: contract, section 5. */
export interface CheckedRepository {
  tier: Tier
  url: string
  /** Those that are listed. */
  snapshots: number
  /** Those that were read: one whose description cannot be read is not listed. */
  checked: number
  damaged: CheckedDamage[]
  /** Whether an append-only repository has refused a deletion. Absent where none was tried. */
  tamper?: Tampering
  /** Why it could not be checked. */
  error?: ErrorReport
}

export interface CheckedDamage extends Damage {
  /** ISO 8601 UTC: when a check or a restore that read more than this check has found it. Absent: this check did. */
  found?: string
}

/** For each repository a row for each damaged file, with the reason in the second line, then what was read and the verdict. */
export const renderCheck = (repositories: CheckedRepository[], readData: boolean, style: TextStyle): string =>
  joinBlocks(...repositories.map((checked) => renderRepository(checked, readData, style)))

function renderRepository(checked: CheckedRepository, readData: boolean, style: TextStyle): string {
  const { tier, url, damaged, tamper, error } = checked
  if (error) return renderReport(tier, error, style)
  const columns: Column<CheckedDamage>[] = [
    { title: 'DAMAGED', cell: ({ id }) => paint(style, 'red', id) },
    { title: 'TARGET', cell: ({ target }) => target },
    { title: 'FILE', place: 'fold', lead: 'file', cell: ({ file }) => file },
    { title: 'REASON', place: 'fold', cell: (damage) => describeReason(damage, style) },
  ]
  const line = `${tier} ${url}: ${describeReading(checked, readData)}`
  return (
    renderTable(columns, damaged, style) + renderText(line, style) + (tamper ? renderTamper(tier, tamper, style) : '')
  )
}

const renderTamper = (tier: Tier, { isRefused, answer }: Tampering, style: TextStyle): string =>
  isRefused
    ? renderText(`${tier}: a deletion was refused: ${answer}`, style)
    : renderLine('problem', 'red', `the ${tier} repository is no append-only one: it has ${answer}`, style)

const describeReason = ({ reason, found }: CheckedDamage, style: TextStyle): string =>
  found === undefined ? reason : `${reason} (found ${formatTime(found, style)})`

function describeReading({ checked, damaged }: CheckedRepository, readData: boolean): string {
  const all = `${checked} ${checked === 1 ? 'snapshot' : 'snapshots'}`
  const verdict = damaged.length === 0 ? 'no damage' : `${new Set(damaged.map(({ id }) => id)).size} damaged`
  return readData
    ? `read every byte of ${all}, ${verdict}`
    : `compared sizes and manifests of ${all}, ${verdict}; --read-data reads every byte`
}
