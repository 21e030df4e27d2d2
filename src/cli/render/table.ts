import { paint, type TextStyle } from './text-style.ts'
import { padTo, textWidth } from './text-width.ts'
import { flow, wrap } from './wrap.ts'

/** The content of a cell; several values are joined by commas. The empty text and no value stand for nothing to show. */
export type Cell = string | string[]

/**
 * Where the values of a column stand. A table that is wider than the screen gives up columns from the right until it fits.
 * - `row` (the default): always in the row.
 * - `fold`: in the row where the table fits, else in the second line, under the row.
 * - `below`: always in the second line. It suits sentences, such as an error.
 * - `wide`: in the row where the table fits, else left out until somebody asks for it by `--wide`.
 */
export type Place = 'row' | 'fold' | 'below' | 'wide'

/** One column of a table. The first one is the key of the row, and its place MUST be `row`. */
export interface Column<Row> {
  title: string
  cell(row: Row): Cell
  place?: Place
  /** Stands before the value in the second line, which has no head: `keeps`. Default: none, for values that read by themselves. */
  lead?: string
}

const gap = '  '
const indent = '  '

/**
 * Renders aligned columns within the width of the style, on a terminal and in a pipe alike. No value is cut: ids and names are copied.
 * Where even the columns that stay are too wide, a long key has a line of its own above its row. Empty without rows.
 */
export function renderTable<Row>(columns: Column<Row>[], rows: Row[], style: TextStyle): string {
  if (rows.length === 0) return ''
  const cells = columns.map((column) => measure(column, rows))
  const shown = columnsInRow(cells, style.width)
  const below = cells.filter((column) => !shown.includes(column) && column.place !== 'wide')
  const head = layRow(shown, ({ title }) => paint(style, 'bold', title), style.width)
  const body = rows.flatMap((_, index) => [
    ...layRow(shown, ({ values }) => values[index] || '—', style.width),
    ...layBelow(below, index, style),
  ])
  return [...head, ...body].map((line) => `${line}\n`).join('')
}

interface Measured {
  title: string
  place: Place
  lead: string
  /** By index of the row; the empty text where there is nothing to show. */
  values: string[]
  width: number
}

function measure<Row>({ title, cell, place = 'row', lead = '' }: Column<Row>, rows: Row[]): Measured {
  const values = rows.map(cell).map((value) => (Array.isArray(value) ? value.join(', ') : value))
  return {
    title,
    place,
    lead,
    values,
    width: values.reduce((most, text) => Math.max(most, textWidth(text || '—')), textWidth(title)),
  }
}

/** The columns that stay in the row. */
function columnsInRow(columns: Measured[], width: number): Measured[] {
  const shown = columns.filter(({ place }) => place !== 'below')
  while (widthOfRow(shown) > width) {
    const last = shown.findLastIndex(({ place }) => place !== 'row')
    if (last < 0) break
    shown.splice(last, 1)
  }
  return shown
}

const widthOfRow = (columns: Measured[]): number =>
  columns.reduce((sum, column) => sum + column.width + gap.length, -gap.length)

/** One line, or two where the key is longer than the room that the other columns leave. */
function layRow([key, ...others]: Measured[], textOf: (column: Measured) => string, width: number): string[] {
  if (!key) return []
  const rest = others.map((column) => gap + padTo(textOf(column), column.width)).join('')
  const room = Math.max(textWidth(key.title), Math.min(key.width, width - textWidth(rest)))
  const first = textOf(key)
  const lines = textWidth(first) <= room ? [padTo(first, room) + rest] : [first, ' '.repeat(room) + rest]
  return lines.map((line) => line.trimEnd())
}

/** The second line, and more where it is too long: each value with the word that leads it. */
function layBelow(columns: Measured[], index: number, style: TextStyle): string[] {
  const width = style.width - indent.length
  const pieces = columns.flatMap(({ lead, values }) => {
    const value = values[index]
    return value ? [lead ? `${lead} ${value}` : value] : []
  })
  return flow(pieces, { width, indent: '', separator: '; ' })
    .flatMap((line) => wrap(line, width, indent))
    .map((line) => indent + line)
}
