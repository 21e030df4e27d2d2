import { expect, test } from 'vitest'
import type { PruneState } from '../../../src/catalog/pruning.ts'
import { duePrune } from '../../../src/controller/due-prune.ts'

const seen = { firstSeen: '2026-07-01T00:00:00.000Z', lastSlot: '2026-08-01T04:00:00.000Z' }
const slot = '2026-08-02T04:00:00.000Z'
const ended = (time: string, outcome: 'complete' | 'failed'): PruneState => ({
  ...seen,
  last: { time: `2026-08-02T${time}:00.000Z`, outcome, removed: 0, freedBytes: 0 },
})

test.each<{ sentence: string; at: string; state?: PruneState; isBusy?: boolean; timezone?: string; due: boolean }>([
  { sentence: 'comes at four', at: '04:00', due: true },
  { sentence: 'does not come before', at: '03:59', due: false },
  { sentence: 'comes at four in the zone of the configuration', at: '02:00', timezone: 'Europe/Berlin', due: true },
  { sentence: 'is caught up when it was missed', at: '09:00', due: true },
  { sentence: 'comes once', at: '09:00', state: { ...seen, lastSlot: slot }, due: false },
  {
    sentence: 'does not come for slots before the controller was first seen',
    at: '09:00',
    state: { firstSeen: '2026-08-02T05:00:00.000Z' },
    due: false,
  },
  { sentence: 'waits for backups', at: '04:00', isBusy: true, due: false },
  { sentence: 'does not wait for backups that never end', at: '08:00', isBusy: true, due: true },
  { sentence: 'waits an hour after a failure', at: '04:59', state: ended('04:00', 'failed'), due: false },
  { sentence: 'is tried again an hour after a failure', at: '05:00', state: ended('04:00', 'failed'), due: true },
  {
    sentence: 'does not wait for a failure of the future, which a wrong clock has made',
    at: '04:00',
    state: ended('23:00', 'failed'),
    due: true,
  },
  { sentence: 'does not wait after one that was asked for', at: '04:00', state: ended('03:59', 'complete'), due: true },
])('the nightly removal $sentence', ({ at, state = seen, isBusy = false, timezone = 'UTC', due }) => {
  const found = duePrune({ state, now: new Date(`2026-08-02T${at}:00.000Z`), timezone, isBusy })
  expect(found.slot !== undefined, found.reason).toBe(due)
})
