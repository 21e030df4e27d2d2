import { describe, expect, test } from 'vitest'
import { maxStopSeconds } from '../../../src/job/max-stop.ts'

const target = (isReadAhead: boolean, label?: number) => ({
  spec: label === undefined ? {} : { maxStopSeconds: label },
  isReadAhead,
})

describe('the maximum of a window', () => {
  const rows = [
    { sentence: 'is two hours without a label', targets: [target(false)], seconds: 7200 },
    { sentence: 'is ten minutes for data that was read ahead', targets: [target(true)], seconds: 600 },
    { sentence: 'is that of the label, read ahead or not', targets: [target(true, 3600)], seconds: 3600 },
    { sentence: 'is the smallest label of a group', targets: [target(false, 90), target(false, 30)], seconds: 30 },
    {
      sentence: 'is two hours for a group in which some data was not read ahead',
      targets: [target(true), target(false)],
      seconds: 7200,
    },
    {
      sentence: 'is that of the only label in a group, however long',
      targets: [target(true), target(false, 10_800)],
      seconds: 10_800,
    },
  ]
  test.each(rows)('$sentence', ({ targets, seconds }) => {
    expect(maxStopSeconds(targets)).toBe(seconds)
  })
})
