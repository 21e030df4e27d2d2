import { describe, expect, test } from 'vitest'
import { type Depth, type Inspection, type KnownDamage, mergeInspection } from '../../../src/repository/known-damage.ts'
import type { Damage } from '../../../src/repository/repository.ts'

const place = (id: string) => ({ project: 'shop', target: 'db', id })
const damage = (id: string, reason = 'is missing'): Damage => ({ ...place(id), file: 'dump.zst', reason })
const known = (id: string, depth: Depth, found = 'yesterday'): KnownDamage => ({
  ...{ ...place(id), depth, found },
  files: [{ file: 'dump.zst', reason: 'is missing' }],
})

/** What is known after an inspection that began when `before` was known, and found nothing unless `more` says otherwise. */
const knownAfter = (before: KnownDamage[], more: Partial<Inspection>, meanwhile = before) =>
  mergeInspection(meanwhile, { depth: 'bytes', ended: 'now', damages: [], verdict: () => 'whole', before, ...more })

describe('known damage', () => {
  test.each<[known: Depth, inspection: Depth, isForgotten: boolean]>([
    ['manifest', 'manifest', true],
    ['sizes', 'manifest', false],
    ['sizes', 'sizes', true],
    ['sizes', 'bytes', true],
    ['bytes', 'manifest', false],
    ['bytes', 'sizes', false],
    ['bytes', 'bytes', true],
  ])(
    'of depth %s, when a later inspection of depth %s finds the snapshot whole: forgotten is %s',
    (of, by, forgotten) => {
      expect(knownAfter([known('a', of)], { depth: by })).toEqual(forgotten ? [] : [known('a', of)])
    },
  )

  test('is forgotten with a snapshot that is gone, however little was read', () => {
    expect(knownAfter([known('a', 'bytes')], { depth: 'manifest', verdict: () => 'gone' })).toEqual([])
  })

  test('of snapshots that were not read stays', () => {
    expect(knownAfter([known('a', 'manifest')], { verdict: () => 'unknown' })).toEqual([known('a', 'manifest')])
  })

  test('that is found again is described anew, and still needs the deeper inspection', () => {
    const found = knownAfter([known('a', 'bytes')], {
      depth: 'sizes',
      damages: [damage('a', 'has 1 bytes instead of 2')],
    })
    const files = [{ file: 'dump.zst', reason: 'has 1 bytes instead of 2' }]
    expect(found).toEqual([{ ...known('a', 'bytes', 'now'), files }])
  })

  test('has all damaged files of a snapshot', () => {
    const [entry] = knownAfter([], { damages: [damage('a'), { ...damage('a'), file: 'manifest.json' }] })
    expect(entry?.files.map(({ file }) => file)).toEqual(['dump.zst', 'manifest.json'])
  })

  test('that another process has found since the inspection began stays', () => {
    expect(knownAfter([], {}, [known('a', 'sizes')])).toEqual([known('a', 'sizes')])
    const again = known('a', 'sizes', 'a moment ago')
    expect(knownAfter([known('a', 'sizes')], {}, [again])).toEqual([again])
  })

  test('of a copy in another folder says nothing of the snapshot itself', () => {
    const copy = { ...known('a', 'bytes'), target: 'copy' }
    expect(knownAfter([copy], { damages: [damage('a')] })).toEqual([known('a', 'bytes', 'now')])
    expect(knownAfter([copy], { verdict: ({ target }) => (target === 'copy' ? 'unknown' : 'whole') })).toEqual([copy])
  })
})
