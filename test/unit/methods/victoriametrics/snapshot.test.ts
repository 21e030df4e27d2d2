import { describe, expect, test } from 'vitest'
import { findLost } from '../../../../src/methods/victoriametrics/snapshot.ts'

const known = '20261123020000-18EA000000000001'
const detail = { known, from: '20261123021440', until: '20261123022443' }

describe('the snapshot whose name was never heard', () => {
  const rows: [what: string, fresh: string[], found: string | undefined][] = [
    ['none came up', [], undefined],
    ['one came up while it was asked for', ['20261123021443-18EA8ADC75885B34'], '20261123021443-18EA8ADC75885B34'],
    ['one came up before', ['20261123021439-18EA8ADC75885B34'], undefined],
    ['one came up long after', ['20261123022444-18EA8ADC75885B34'], undefined],
    [
      'two came up: one is somebody else’s',
      ['20261123021443-18EA000000000002', '20261123021444-18EA000000000003'],
      undefined,
    ],
    [
      'a foreign one came up later',
      ['20261123021443-18EA000000000002', '20261124021443-18EA000000000003'],
      '20261123021443-18EA000000000002',
    ],
  ]
  test.each(rows)('%s', (_, fresh, found) => expect(findLost([known, ...fresh], detail)).toBe(found))
})
