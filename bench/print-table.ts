import { renderTable } from '../src/cli/render/table.ts'

/** Prints rows of text below a head, each row in one line. */
export function printTable(head: string[], rows: string[][]): void {
  const columns = head.map((title, index) => ({ title, cell: (row: string[]) => row[index] ?? '' }))
  console.log(renderTable(columns, rows, { colour: false, timezone: 'UTC', width: Number.POSITIVE_INFINITY }))
}
