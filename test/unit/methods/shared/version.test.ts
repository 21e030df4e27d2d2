import { describe, expect, test } from 'vitest'
import { parseVersion, refuseOlderServer } from '../../../../src/methods/shared/version.ts'

describe('parseVersion', () => {
  test.each([
    ['v1.140.0', { major: 1, minor: 140 }],
    ['11.8.3-MariaDB-0+deb13u1', { major: 11, minor: 8 }],
    ['17', { major: 17, minor: 0 }],
    ['unknown', undefined],
    ['', undefined],
  ])('%s', (text, version) => {
    expect(parseVersion(text)).toEqual(version)
  })
})

describe('refuseOlderServer', () => {
  test.each([
    ['7.0.12', '7.0.2'],
    ['6.0.9', '7.0.2'],
    ['16', '17'],
    ['undefined', '7.0.2'],
  ])('a dump of %s fits a server of %s', (dumped, server) => {
    expect(() => refuseOlderServer('MongoDB', { dumped, server })).not.toThrow()
  })

  test.each([
    ['8.0.1', '7.0.2'],
    ['7.3.1', '7.0.2'],
    ['10', '9'],
  ])('a dump of %s is refused by a server of %s', (dumped, server) => {
    expect(() => refuseOlderServer('MongoDB', { dumped, server })).toThrow(
      expect.objectContaining({ code: 'RESTORE_REFUSED', hint: expect.stringContaining(`MongoDB ${dumped} or newer`) }),
    )
  })
})
