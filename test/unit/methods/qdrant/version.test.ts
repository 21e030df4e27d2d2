import { describe, expect, test } from 'vitest'
import { refuseVersion } from '../../../../src/methods/qdrant/version.ts'

describe('which server takes which snapshot', () => {
  test.each([
    ['the same version', '1.13.1', '1.13.1', true],
    ['an older patch', '1.13.4', '1.13.1', true],
    ['the next minor version', '1.13.1', '1.14.0', true],
    ['over two digits', '1.9.0', '1.10.1', true],
    ['a development version', '1.13.1', '1.13.2-dev', true],
    ['two minor versions on', '1.13.1', '1.15.0', false],
    ['one minor version back', '1.13.1', '1.12.6', false],
    ['another major version', '1.13.1', '2.13.1', false],
    ['a version that cannot be read', '1.13.1', 'unknown', false],
  ])('%s: %s on %s', (_, snapshot, server, fits) => {
    expect(refuseVersion(snapshot, server) === undefined).toBe(fits)
  })

  test('the way out names both versions that fit', () => {
    expect(refuseVersion('1.13.1', '1.16.0')?.hint).toContain('Qdrant 1.13 or 1.14')
  })
})
