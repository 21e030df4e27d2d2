import { expect, test } from 'vitest'
import { renderTable } from '../../../../src/cli/render/table.ts'

const head = ['TARGET', 'STOPS', 'KEEPS']
const rows = [
  ['shop/files', ['shop-app-1', 'shop-cron-1'], 'daily=30d'],
  ['shop/redis', [], 'last=3'],
]
const look = { terminal: true, colour: false, timezone: 'UTC' }

test('a terminal gets aligned columns without trailing blanks', () => {
  expect(renderTable(head, rows, look)).toBe(
    [
      'TARGET      STOPS        KEEPS',
      'shop/files  shop-app-1   daily=30d',
      '            shop-cron-1',
      'shop/redis  —            last=3',
      '',
    ].join('\n'),
  )
})

test('a pipe gets one line for each row, its fields separated by tabs', () => {
  expect(renderTable(head, rows, { ...look, terminal: false })).toBe(
    'TARGET\tSTOPS\tKEEPS\nshop/files\tshop-app-1,shop-cron-1\tdaily=30d\nshop/redis\t—\tlast=3\n',
  )
})

test('a table without rows is empty', () => {
  expect(renderTable(head, [], look)).toBe('')
})

test('the head is coloured only when the style has colour', () => {
  expect(renderTable(head, rows, { ...look, colour: true })).toContain('\x1b[1mTARGET')
  expect(renderTable(head, rows, look)).not.toContain('\x1b')
})
