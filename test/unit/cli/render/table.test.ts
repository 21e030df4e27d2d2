import { describe, expect, test } from 'vitest'
import { type Column, renderTable } from '../../../../src/cli/render/table.ts'
import { paint } from '../../../../src/cli/render/text-style.ts'

interface Row {
  target: string
  stops: string[]
  keeps: string
  note?: string
}

const columns: Column<Row>[] = [
  { title: 'TARGET', cell: ({ target }) => target },
  { title: 'STOPS', cell: ({ stops }) => stops },
  { title: 'KEEPS', place: 'fold', lead: 'keeps', cell: ({ keeps }) => keeps },
  { title: 'NOTE', place: 'below', cell: ({ note }) => note ?? '' },
  { title: 'SIZE', place: 'wide', cell: () => '1 B' },
]
const rows: Row[] = [
  { target: 'shop/files', stops: ['shop-app-1', 'shop-cron-1'], keeps: 'daily=30d' },
  { target: 'shop/redis', stops: [], keeps: 'last=3' },
]
const look = { colour: false, timezone: 'UTC', width: 80 }
const linesAt = (width: number, some = rows) =>
  renderTable(columns, some, { ...look, width })
    .split('\n')
    .slice(0, -1)

describe('a table', () => {
  test('has aligned columns without trailing blanks where it fits', () => {
    expect(linesAt(56)).toEqual([
      'TARGET      STOPS                    KEEPS      SIZE',
      'shop/files  shop-app-1, shop-cron-1  daily=30d  1 B',
      'shop/redis  —                        last=3     1 B',
    ])
  })

  test('leaves out a wide column where it does not fit', () => {
    expect(linesAt(50)[1]).toBe('shop/files  shop-app-1, shop-cron-1  daily=30d')
  })

  test('moves a folded column to the second line where it does not fit', () => {
    expect(linesAt(45)).toEqual([
      'TARGET      STOPS',
      'shop/files  shop-app-1, shop-cron-1',
      '  keeps daily=30d',
      'shop/redis  —',
      '  keeps last=3',
    ])
  })

  test('has room for everything at an endless width', () => {
    expect(linesAt(Number.POSITIVE_INFINITY)).toEqual(linesAt(56))
  })

  test('shows sentences below their row, between words broken to the width', () => {
    const note = 'the last run failed: no space is left in `podman volume inspect backups` of the host'
    const [row] = rows
    expect(linesAt(56, [{ ...(row as Row), note }])).toEqual([
      'TARGET      STOPS                    KEEPS      SIZE',
      'shop/files  shop-app-1, shop-cron-1  daily=30d  1 B',
      '  the last run failed: no space is left in',
      '    `podman volume inspect backups` of the host',
    ])
  })

  test('gives a key that is too long a line of its own and cuts nothing', () => {
    const target = 'a-project-with-a-long-name/a-target-with-a-long-name'
    expect(linesAt(40, [...rows, { target, stops: ['a'], keeps: 'last=3' }])).toEqual([
      'TARGET           STOPS',
      'shop/files       shop-app-1, shop-cron-1',
      '  keeps daily=30d',
      'shop/redis       —',
      '  keeps last=3',
      target,
      '                 a',
      '  keeps last=3',
    ])
  })

  test('without rows is empty', () => {
    expect(linesAt(80, [])).toEqual([])
  })

  test('has a coloured head only when the style has colour, and is as wide with it', () => {
    const painted = { ...look, colour: true }
    const table = renderTable(
      columns.with(0, { title: 'TARGET', cell: ({ target }) => paint(painted, 'green', target) }),
      rows,
      { ...painted, width: 56 },
    )
    expect(table).toContain('\x1b[1mTARGET')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is looked for
    expect(table.replaceAll(/\x1b\[\d+m/g, '')).toBe(renderTable(columns, rows, { ...look, width: 56 }))
  })
})
