import { describe, expect, test } from 'vitest'
import { canonical, contains } from '../../../../src/methods/qdrant/canonical.ts'
import { artifactName } from '../../../../src/methods/qdrant/inventory.ts'
import { findAsked } from '../../../../src/methods/qdrant/snapshot.ts'

describe('settings are compared by value', () => {
  test('the order of keys and null fields do not matter', () => {
    expect(canonical({ b: [{ y: 1, x: null }], a: 2 })).toBe(canonical({ a: 2, b: [{ y: 1 }], c: null }))
    expect(canonical({ a: [1, 2] })).not.toBe(canonical({ a: [2, 1] }))
  })

  test.each([
    ['a setting that is new', { a: 1, b: { c: 2, d: 3 } }, { a: 1, b: { c: 2 } }, true],
    ['a setting that is gone', { a: 1 }, { a: 1, b: { c: 2 } }, false],
    ['a setting that changed', { a: 1, b: { c: 3 } }, { a: 1, b: { c: 2 } }, false],
    ['a setting that was not set', { a: 1 }, { a: 1, b: null }, true],
  ])('%s', (_, whole, part, expected) => {
    expect(contains(whole, part)).toBe(expected)
  })
})

test.each([
  ['documents', '1-documents.snapshot'],
  ['My Docs/ü', '1-my-docs-.snapshot'],
  ['知識', '1--.snapshot'],
  ['x'.repeat(255), `1-${'x'.repeat(60)}.snapshot`],
])('collection %s is kept as %s', (name, expected) => {
  expect(artifactName(0, name)).toBe(expected)
})

describe('the snapshot that a dead run asked for', () => {
  const at = '2026-11-23T02:08:46.000Z'
  const named = (seconds: string) => `docs-634919505345910-2026-11-23-02-${seconds}.snapshot`
  test.each([
    ['one of the same second', [named('08-46')], [], named('08-46')],
    ['one that the server began a little later', [named('08-50')], [], named('08-50')],
    ['none', [], [], undefined],
    ['one that was there before', [named('08-46')], [named('08-46')], undefined],
    ['one that somebody made much later', [named('12-00')], [], undefined],
    ['one of before', [named('07-00')], [], undefined],
    ['two, of which one is somebody else’s', [named('08-46'), named('08-48')], [], undefined],
    ['an uploaded file', ['mine.snapshot'], [], undefined],
  ])('%s', (_, names, before, expected) => {
    expect(findAsked({ before: JSON.stringify(before), at }, names)).toBe(expected)
  })
})
