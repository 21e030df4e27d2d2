import { expect, test } from 'vitest'
import { BackupError } from '../../../src/errors.ts'
import { launch, service } from './launch.ts'

const hour = 3600
const night = { firstSeen: '2026-07-01T00:00:00.000Z', lastSlot: '2026-08-01T02:00:00.000Z' }
const seen = { firstSeen: night.firstSeen, lastSlot: '2026-08-01T04:00:00.000Z' }

test('old snapshots are removed once a night, after the backups', async () => {
  const { catalog, clock, world, began, pruned, start } = launch('2026-08-02T01:59:00Z', [service('db')])
  catalog.saveSchedule('shop', 'db', night)
  catalog.savePruneState(seen)
  world.seconds = 2.5 * hour
  start()
  await clock.advance(5 * hour)
  expect(began).toEqual(['02T02:00 schedule db'])
  expect(pruned).toEqual([expect.stringMatching(/^02T04:3[01]$/)])
  expect(catalog.pruneState().lastSlot).toBe('2026-08-02T04:00:00.000Z')
})

test('a night that was missed is caught up, after the backup that was missed too', async () => {
  const { catalog, clock, began, pruned, work, start } = launch('2026-08-02T09:00:00Z', [service('db')])
  catalog.saveSchedule('shop', 'db', night)
  catalog.savePruneState(seen)
  start()
  await clock.advance(hour)
  expect(began).toEqual(['02T09:00 schedule db'])
  expect(pruned).toEqual(['02T09:00'])
  expect(work).toEqual(['backup', 'prune'])
})

test('a new controller removes nothing before its first night', async () => {
  const { clock, pruned, start } = launch('2026-08-02T03:30:00Z', [service('db')])
  start()
  await clock.advance(0.4 * hour)
  expect(pruned).toEqual([])
  await clock.advance(0.2 * hour)
  expect(pruned).toEqual(['02T04:00'])
})

test('nothing is removed while the repository is away or another one', async () => {
  const { catalog, clock, world, pruned, start } = launch('2026-08-02T09:00:00Z', [service('db')])
  catalog.savePruneState(seen)
  world.repositoryFault = new BackupError('REPOSITORY_FOREIGN', 'another one')
  start()
  await clock.advance(2 * hour)
  expect(pruned).toEqual([])
  world.repositoryFault = undefined
  await clock.advance(120)
  expect(pruned).toHaveLength(1)
})

test('one that another process does is waited for, and one that leaves no record is no busy loop', async () => {
  const { catalog, clock, world, pruned, start } = launch('2026-08-02T09:00:00Z', [service('db')])
  catalog.savePruneState(seen)
  world.pruneFailure = new BackupError('BUSY', 'prune all is being worked on by run r1')
  start()
  await clock.advance(10 * 60)
  expect(pruned.length).toBeGreaterThan(3)
  expect(pruned.length).toBeLessThan(12)
  world.pruneFailure = undefined
  await clock.advance(120)
  expect(catalog.pruneState().lastSlot).toBe('2026-08-02T04:00:00.000Z')
})

test('the end of the controller waits for one that runs', async () => {
  const { catalog, clock, world, start } = launch('2026-08-02T09:00:00Z', [service('db')])
  catalog.savePruneState(seen)
  world.pruneSeconds = 100
  const { stop, isOver } = start()
  await clock.advance(50)
  await stop()
  expect(isOver()).toBe(true)
  expect(catalog.pruneState().lastSlot).toBe(seen.lastSlot)
})
