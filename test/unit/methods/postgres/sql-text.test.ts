import { describe, expect, test } from 'vitest'
import { connectTo, quoteName, quoteText, settingOf } from '../../../../src/methods/postgres/sql-text.ts'

describe('quoting', () => {
  test('names, texts and connection strings', () => {
    expect(quoteName('a "b"')).toBe('"a ""b"""')
    expect(quoteText("it's")).toBe("'it''s'")
    expect(quoteText('a\\b')).toBe(" E'a\\\\b'")
    expect(connectTo("x = 'y' \\z")).toBe("dbname='x = \\'y\\' \\\\z'")
  })

  test.each([
    ['work_mem=8MB', "'8MB'"],
    ['search_path="$user", public, "My ""s"', `'$user', 'public', 'My "s'`],
    ['search_path=""', "''"],
    ['search_path=', "''"],
    ['application_name=a=b, c', "'a=b, c'"],
  ])('the setting %s', (text, value) => {
    expect(settingOf(text)).toEqual({ name: text.split('=')[0], value })
  })
})
