import Table from 'cli-table3'
import { paint, type TextStyle } from './text-style.ts'

/** The content of a cell. An array becomes several lines on a terminal and is separated by commas in a pipe. */
export type Cell = string | string[]

const noFrame = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((place) => [place, '']),
)

/** Renders aligned columns on a terminal, and in a pipe one line for each row with its fields separated by tabs. Empty without rows. */
export function renderTable(head: string[], rows: Cell[][], style: TextStyle): string {
  if (rows.length === 0) return ''
  if (!style.terminal) return [head, ...rows].map((row) => `${row.map(plain).join('\t')}\n`).join('')
  const table = new Table({
    head: head.map((title) => paint(style, 'bold', title)),
    chars: noFrame,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  })
  table.push(...rows.map((row) => row.map((cell) => (Array.isArray(cell) ? cell.join('\n') || '—' : cell))))
  return table
    .toString()
    .split('\n')
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

const plain = (cell: Cell): string => (Array.isArray(cell) ? cell.join(',') || '—' : cell)
