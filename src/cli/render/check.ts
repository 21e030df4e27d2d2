import type { Damage, Tier } from '../../repository/repository.ts'
import { joinBlocks, renderText } from './line.ts'
import { type Column, renderTable } from './table.ts'
import { paint, type TextStyle } from './text-style.ts'

/** One repository in the document of `check`: contract, section 5. */
export interface CheckedRepository {
  tier: Tier
  url: string
  snapshots: number
  damaged: Damage[]
}

/** For each repository a row for each damaged file, with the reason in the second line, then the verdict. */
export const renderCheck = (repositories: CheckedRepository[], style: TextStyle): string =>
  joinBlocks(...repositories.map((checked) => renderRepository(checked, style)))

function renderRepository({ tier, url, snapshots, damaged }: CheckedRepository, style: TextStyle): string {
  const columns: Column<Damage>[] = [
    { title: 'DAMAGED', cell: ({ id }) => paint(style, 'red', id) },
    { title: 'TARGET', cell: ({ target }) => target },
    { title: 'FILE', place: 'fold', lead: 'file', cell: ({ file }) => file },
    { title: 'REASON', place: 'fold', cell: ({ reason }) => reason },
  ]
  const verdict = damaged.length === 0 ? 'no damage' : `${new Set(damaged.map(({ id }) => id)).size} damaged`
  const line = `${tier} ${url}: ${snapshots} ${snapshots === 1 ? 'snapshot' : 'snapshots'}, ${verdict}`
  return renderTable(columns, damaged, style) + renderText(line, style)
}
