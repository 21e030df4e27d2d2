import { describe, expect, test } from 'vitest'
import { refuseVersion } from '../../../../src/methods/victoriametrics/version.ts'

describe('which server reads which snapshot', () => {
  test.each([
    ['the same version', 'v1.112.0', 'v1.112.0', true],
    ['a newer one', 'v1.89.1', 'v1.150.0', true],
    ['an older one of the same format', 'v1.112.0', 'v1.93.4', true],
    ['without the letter', '1.112.0', '1.90.0', true],
    ['from before the names of parts', 'v1.90.0', 'v1.89.1', false],
    ['from before the index in each partition', 'v1.140.2', 'v1.132.0', false],
    ['from before shared timestamps', 'v1.41.0', 'v1.40.1', false],
    ['a snapshot that does not tell', 'unknown', 'v1.40.1', true],
    ['a server that does not tell', 'v1.140.0', 'unknown', true],
  ])('%s: %s on %s', (_, snapshot, server, fits) => {
    expect(refuseVersion(snapshot, server) === undefined).toBe(fits)
  })

  test('the way out names the oldest version that fits', () => {
    expect(refuseVersion('v1.140.0', 'v1.40.0')?.hint).toContain('VictoriaMetrics 1.133 or newer')
  })
})
