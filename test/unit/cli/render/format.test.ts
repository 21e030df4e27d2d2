import { expect, test } from 'vitest'
import { formatBytes, formatSeconds } from '../../../../src/cli/render/format.ts'

test.for([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [1024 ** 2 * 123.4, '123 MiB'],
  [1024 ** 3 - 1, '1024 MiB'],
  [5 * 1024 ** 4, '5.0 TiB'],
] as const)('%d bytes are %s', ([bytes, text]) => {
  expect(formatBytes(bytes)).toBe(text)
})

test.for([
  [0, '0.0 s'],
  [0.42, '0.4 s'],
  [9.96, '10 s'],
  [59.7, '1 m'],
  [200, '3 m 20 s'],
  [3600, '1 h'],
  [3605, '1 h'],
  [86_400 * 2 + 3600 * 5 + 59, '2 d 5 h'],
] as const)('%d seconds are %s', ([seconds, text]) => {
  expect(formatSeconds(seconds)).toBe(text)
})
