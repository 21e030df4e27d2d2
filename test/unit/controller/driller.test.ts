import { expect, test } from 'vitest'
import { launch, service } from './launch.ts'

const hour = 3600
/** A Friday; the drills of the default schedule are on Sundays at 05:00. */
const friday = '2026-08-07T01:00:00Z'
const seen = { firstSeen: '2026-07-01T00:00:00.000Z', lastDrillSlot: '2026-08-02T05:00:00.000Z' }

test('each target is drilled on its schedule, one group after the other', async () => {
  const { catalog, clock, drilled, start } = launch('2026-08-09T01:00:00Z', [
    service('db'),
    service('web', { group: 'all' }),
    service('app', { group: 'all' }),
    service('off', { drill: 'off' }),
  ])
  for (const name of ['db', 'web', 'app', 'off']) catalog.saveSchedule('shop', name, seen)
  start()
  await clock.advance(5 * hour)
  expect(drilled.toSorted()).toEqual(['09T05:00 app+web', '09T05:00 db'])
  expect(catalog.schedule('shop', 'db').lastDrillSlot).toBe('2026-08-09T05:00:00.000Z')
})

test('a slot that was missed is caught up, and none before the target was first seen', async () => {
  const old = launch(friday, [service('db', { drill: '0 5 * * 4' })])
  old.catalog.saveSchedule('shop', 'db', {
    ...seen,
    lastDrillSlot: '2026-07-30T05:00:00.000Z',
    lastSlot: '2026-08-06T02:00:00.000Z',
  })
  old.start()
  await old.clock.advance(0.5 * hour)
  expect(old.drilled, 'there is no snapshot yet').toEqual([])
  await old.clock.advance(1.5 * hour)
  expect(old.drilled, 'the backup of 02:00 is the first one').toEqual(['07T02:00 db'])
  const fresh = launch(friday, [service('db', { drill: '0 5 * * 4' })])
  fresh.start()
  await fresh.clock.advance(2 * hour)
  expect(fresh.drilled).toEqual([])
})

test('a snapshot that is verified is not drilled again before its proof would be outdated', async () => {
  const labels = { schedule: 'manual', drill: '0 * * * *', 'drill-max-age': '3h' }
  const { catalog, clock, drilled, start } = launch(friday, [service('db', labels)])
  catalog.saveSchedule('shop', 'db', { ...seen, lastDrillSlot: '2026-08-07T01:00:00.000Z' })
  catalog.startRun({ id: 'one', kind: 'backup', trigger: 'manual', project: 'shop', target: 'db', started: friday })
  catalog.finishRun('one', 'shop', 'db', { finished: friday, outcome: 'complete', snapshot: 'first' })
  start()
  await clock.advance(4.2 * hour)
  expect(drilled).toEqual(['07T02:00 db', '07T05:00 db'])
})

test('a drill that another process keeps from beginning is tried again', async () => {
  const { catalog, clock, world, drilled, start } = launch('2026-08-09T04:59:00Z', [service('db')])
  catalog.saveSchedule('shop', 'db', { ...seen, lastSlot: '2026-08-08T02:00:00.000Z' })
  world.drillBusy = true
  start()
  await clock.advance(0.1 * hour)
  expect(drilled.length).toBeGreaterThan(1)
  world.drillBusy = false
  await clock.advance(0.1 * hour)
  const count = drilled.length
  await clock.advance(hour)
  expect(drilled).toHaveLength(count)
})
