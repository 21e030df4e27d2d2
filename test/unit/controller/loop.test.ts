import { expect, test } from 'vitest'
import { targetLock } from '../../../src/catalog/keys.ts'
import { BackupError } from '../../../src/errors.ts'
import { launch, repositoryUrl, service } from './launch.ts'

const seenLongAgo = { firstSeen: '2026-07-01T00:00:00.000Z', lastSlot: '2026-07-30T02:00:00.000Z' }
const hour = 3600

test('of several slots that were missed while the controller was down, one runs at start', async () => {
  const { catalog, clock, began, start } = launch('2026-08-02T09:00:00Z', [service('db')])
  catalog.saveSchedule('shop', 'db', seenLongAgo)
  start()
  await clock.advance(4 * hour)
  expect(began).toEqual(['02T09:00 schedule db'])
  expect(catalog.schedule('shop', 'db').lastSlot).toBe('2026-08-02T02:00:00.000Z')
})

test('a new target waits for its next slot, and runs every slot from then on', async () => {
  const { catalog, clock, began, start } = launch('2026-08-02T08:30:00Z', [service('db', { schedule: '@hourly' })])
  start()
  await clock.advance(60)
  expect(catalog.schedule('shop', 'db').firstSeen).toBe('2026-08-02T08:30:00.000Z')
  await clock.advance(2 * hour)
  expect(began).toEqual(['02T09:00 schedule db', '02T10:00 schedule db'])
})

test('a tick starts a pass at once', async () => {
  const { clock, passes, tick, start } = launch('2026-08-02T09:00:30Z', [service('db')])
  start()
  await clock.advance(30)
  const before = passes.length
  tick()
  await clock.advance(1)
  expect(passes.slice(before).map(({ at }) => at.toISOString())).toEqual(['2026-08-02T09:01:00.500Z'])
})

test('a burst of events makes one pass, and events of execs and health checks make none', async () => {
  const { clock, engine, passes, start } = launch('2026-08-02T09:00:00Z', [service('db')])
  start()
  await clock.advance(5)
  const before = passes.length
  for (const action of ['exec_create', 'exec_die', 'health_status: healthy']) engine.emit({ action, containerId: 'x' })
  await clock.advance(5)
  expect(passes.length).toBe(before)
  engine.add(service('new'))
  for (let count = 0; count < 50; count++) engine.emit({ action: 'start', containerId: 'x' })
  await clock.advance(1)
  expect(passes.length).toBe(before + 1)
  expect(passes.at(-1)?.observed?.plan.targets.map(({ name }) => name)).toEqual(['db', 'new'])
})

test('a failed run is repeated after 1, 5 and 15 minutes, and then not before the next slot', async () => {
  const { catalog, clock, world, began, start } = launch('2026-08-02T01:59:00Z', [
    service('db', { schedule: '@hourly' }),
  ])
  catalog.saveSchedule('shop', 'db', { ...seenLongAgo, lastSlot: '2026-08-02T01:00:00.000Z' })
  world.outcome = 'failed'
  start()
  await clock.advance(hour)
  const minutes = began.map((line) => Number(line.slice(6, 8)))
  const pauses = minutes.map((minute, index) => minute - (minutes[index - 1] ?? 0))
  expect(pauses).toEqual([0, expect.toBeOneOf([1, 2]), expect.toBeOneOf([5, 6]), expect.toBeOneOf([15, 16])])
  expect(catalog.schedule('shop', 'db').lastSlot).toBe('2026-08-02T01:00:00.000Z')
  world.outcome = 'complete'
  await clock.advance(120)
  expect(began.slice(4)).toEqual(['02T03:00 schedule db'])
})

test('a slot counts as run when the snapshot has warnings', async () => {
  const { catalog, clock, world, began, start } = launch('2026-08-02T09:00:00Z', [service('db')])
  catalog.saveSchedule('shop', 'db', seenLongAgo)
  world.outcome = 'incomplete'
  start()
  await clock.advance(hour)
  expect(began).toHaveLength(1)
})

test('a run that failed without a record is not repeated within a minute', async () => {
  const { catalog, clock, world, began, start } = launch('2026-08-02T09:00:00Z', [service('db')])
  catalog.saveSchedule('shop', 'db', seenLongAgo)
  world.outcome = 'throw'
  start()
  await clock.advance(10 * 60)
  expect(began.length).toBeGreaterThan(4)
  expect(began.length).toBeLessThan(11)
})

test('a run that was killed is repeated by the next controller', async () => {
  const { catalog, clock, began, start } = launch('2026-08-02T02:10:00Z', [service('db')])
  catalog.saveSchedule('shop', 'db', { ...seenLongAgo, lastSlot: '2026-08-01T02:00:00.000Z' })
  const killed = { project: 'shop', target: 'db', kind: 'backup', started: '2026-08-02T02:00:00.000Z' } as const
  catalog.startRun({ id: 'killed', trigger: 'schedule', ...killed })
  catalog.finishRun('killed', 'shop', 'db', { finished: '2026-08-02T02:00:00.000Z', outcome: 'failed' })
  start()
  await clock.advance(hour)
  expect(began).toEqual(['02T02:10 schedule db'])
})

test('a target that another process has locked is left alone until the lock is released', async () => {
  const { catalog, clock, began, start } = launch('2026-08-02T09:00:00Z', [service('db')])
  catalog.saveSchedule('shop', 'db', seenLongAgo)
  const lock = catalog.lock([targetLock('shop', 'db')], 'by-hand')
  start()
  await clock.advance(10 * 60)
  expect(began).toEqual([])
  lock[Symbol.dispose]()
  await clock.advance(61)
  expect(began).toHaveLength(1)
})

test('no more targets run at once than configured, and all of them run in the end', async () => {
  const { catalog, clock, world, began, mostRunning, start } = launch(
    '2026-08-02T09:00:00Z',
    ['a', 'b', 'c', 'd', 'e'].map((name) => service(name)),
  )
  for (const name of ['a', 'b', 'c', 'd', 'e']) catalog.saveSchedule('shop', name, seenLongAgo)
  world.seconds = 300
  start()
  await clock.advance(hour)
  expect(began.map((line) => line.slice(-1))).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(mostRunning()).toBe(2)
})

test('on-change: a change is captured once when it has settled, and nothing more until the next change', async () => {
  const { catalog, clock, world, began, start } = launch('2026-08-02T09:00:00Z', [
    service('idx', { schedule: 'on-change' }),
  ])
  start()
  await clock.advance(59)
  expect(began).toEqual([])
  await clock.advance(hour)
  expect(began).toEqual(['02T09:01 change idx'])
  expect(catalog.schedule('shop', 'idx')).toMatchObject({ capturedFingerprint: 'one', seenFingerprint: 'one' })
  world.data = 'two'
  await clock.advance(40)
  world.data = 'three'
  await clock.advance(hour)
  expect(began).toHaveLength(2)
  expect(catalog.schedule('shop', 'idx').capturedFingerprint).toBe('three')
})

test('on-change: data whose newest snapshot was found damaged is captured once more, though it has not changed', async () => {
  const { catalog, clock, began, start } = launch('2026-08-02T09:00:00Z', [service('idx', { schedule: 'on-change' })])
  start()
  await clock.advance(hour)
  expect(began).toHaveLength(1)
  const { snapshot: id = '' } = catalog.runs({ target: 'idx' })[0] ?? {}
  catalog.damage.change(repositoryUrl, () => [
    { project: 'shop', target: 'idx', id, found: '2026-08-02T10:00:00.000Z', depth: 'bytes', files: [] },
  ])
  await clock.advance(3 * hour)
  expect(began).toHaveLength(2)
})

test('on-change: data that is never still is captured after the longest wait, and again after the next one', async () => {
  const { catalog, clock, world, began, start } = launch('2026-08-02T09:00:00Z', [
    service('idx', { schedule: 'on-change', settle: '10m', 'max-wait': '2h' }),
  ])
  start()
  for (let walk = 0; walk < (4.5 * hour) / 300; walk++) {
    world.data = `state ${walk}`
    await clock.advance(300)
  }
  expect(began).toEqual(['02T11:00 change idx', '02T13:02 change idx'])
  expect(catalog.schedule('shop', 'idx').changedSince).toMatch(/^2026-08-02T13:0/)
  await clock.advance(hour)
  expect(began).toHaveLength(3)
  expect(catalog.schedule('shop', 'idx').changedSince).toBeUndefined()
})

test('on-change: the time of the newest walk that could read the data is recorded, and stays while walks fail', async () => {
  const { catalog, clock, world, start } = launch('2026-08-02T09:00:00Z', [service('idx', { schedule: 'on-change' })])
  catalog.saveSchedule('shop', 'idx', { seenFingerprint: 'one', seenAt: '2036-01-01T00:00:00.000Z' })
  const seenAt = () => catalog.schedule('shop', 'idx').seenAt ?? ''
  start()
  await clock.advance(hour)
  expect(seenAt() >= '2026-08-02T09:57:00.000Z' && seenAt() <= '2026-08-02T10:00:00.000Z', seenAt()).toBe(true)
  const last = seenAt()
  world.walkFailure = new Error('EIO')
  await clock.advance(hour)
  expect(seenAt() <= '2026-08-02T10:01:00.000Z', `${last} ${seenAt()}`).toBe(true)
  world.walkFailure = undefined
  await clock.advance(hour)
  expect(seenAt() >= '2026-08-02T11:57:00.000Z', seenAt()).toBe(true)
})

test('after failing passes the next ones come ever more rarely, and backups go on once one succeeds', async () => {
  const { catalog, clock, world, passes, began, start } = launch('2026-08-02T09:00:00Z', [service('db')])
  catalog.saveSchedule('shop', 'db', seenLongAgo)
  world.listFailure = new BackupError('ENGINE_UNREACHABLE', 'no socket')
  start()
  await clock.advance(600)
  expect(passes.length).toBeGreaterThan(10)
  expect(passes.length).toBeLessThan(20)
  expect(passes.at(-1)).toMatchObject({
    failures: passes.length,
    observed: undefined,
    errors: [{ code: 'ENGINE_UNREACHABLE' }],
  })
  world.listFailure = undefined
  await clock.advance(61)
  expect(passes.at(-1)).toMatchObject({ failures: 0, errors: [] })
  expect(began).toHaveLength(1)
})

test('a recovery that takes hours delays no pass and no backup of others', async () => {
  const { catalog, clock, world, passes, began, recoveries, start } = launch('2026-08-02T09:00:00Z', [service('db')])
  catalog.saveSchedule('shop', 'db', seenLongAgo)
  world.leftover = 'finish the restore of shop/web'
  world.recoverySeconds = 3 * hour
  start()
  await clock.advance(hour)
  expect(began).toEqual(['02T09:00 schedule db'])
  expect(passes.length).toBeGreaterThan(50)
  expect(recoveries).toEqual(['02T09:00'])
})

test('a failed recovery is shown, stops no backup, and is tried again once a minute', async () => {
  const { catalog, clock, world, passes, began, order, recoveries, start } = launch('2026-08-02T09:00:00Z', [
    service('db'),
  ])
  catalog.saveSchedule('shop', 'db', seenLongAgo)
  world.leftover = 'start container web'
  world.recoveryProblem = 'web does not start'
  start()
  await clock.advance(300)
  expect(began).toHaveLength(1)
  expect(passes.at(-1)).toMatchObject({
    failures: 0,
    errors: [{ code: 'RESUME_FAILED', message: 'web does not start' }],
  })
  expect(order).toEqual(passes.flatMap(() => ['recover', 'list']))
  expect(recoveries.slice(0, 2)).toEqual(['02T09:00', '02T09:01'])
  expect(recoveries.length).toBeLessThan(7)
})

test('a broken target is shown and the other targets run', async () => {
  const { catalog, clock, passes, began, start } = launch('2026-08-02T09:00:00Z', [
    service('bad', { paths: '/nowhere' }),
    service('db'),
  ])
  for (const name of ['bad', 'db']) catalog.saveSchedule('shop', name, seenLongAgo)
  start()
  await clock.advance(60)
  expect(began).toEqual(['02T09:00 schedule db'])
  expect(passes.at(-1)?.observed?.plan.broken).toMatchObject([{ name: 'bad' }])
})

test('at the end running jobs are aborted and awaited, waiting jobs never begin, and no slot is lost', async () => {
  const { catalog, clock, world, began, start } = launch('2026-08-02T09:00:00Z', [service('a'), service('b')], 1)
  for (const name of ['a', 'b']) catalog.saveSchedule('shop', name, seenLongAgo)
  world.seconds = hour
  const controller = start()
  await clock.advance(60)
  expect(controller.isOver()).toBe(false)
  await controller.stop()
  expect(controller.isOver()).toBe(true)
  expect(began).toEqual(['02T09:00 schedule a'])
  expect(catalog.runs({ target: 'a' })).toMatchObject([{ outcome: 'failed' }])
  expect(catalog.schedule('shop', 'a').lastSlot).toBe(seenLongAgo.lastSlot)
})

test('no backup begins while the repository is another one: one problem a pass, and the slot runs when it is back', async () => {
  const { catalog, clock, world, began, passes, start } = launch('2026-08-02T09:00:00Z', [service('db')])
  catalog.saveSchedule('shop', 'db', seenLongAgo)
  world.repositoryFault = new BackupError('REPOSITORY_EMPTY', 'archive:/backups holds no repository')
  start()
  await clock.advance(hour)
  expect(began).toEqual([])
  expect(passes.at(-1)?.errors.map(({ code }) => code)).toEqual(['REPOSITORY_EMPTY'])
  world.repositoryFault = undefined
  await clock.advance(120)
  expect(began).toHaveLength(1)
  expect(passes.at(-1)?.errors).toEqual([])
})

test('a repository that hangs is a problem, keeps no pass for longer than ten seconds, and begins no backup', async () => {
  const { catalog, clock, world, began, passes, start } = launch('2026-08-02T09:00:00Z', [service('db')])
  catalog.saveSchedule('shop', 'db', seenLongAgo)
  world.repositoryFault = 'hangs'
  start()
  await clock.advance(300)
  expect(began).toEqual([])
  expect(passes.length).toBeGreaterThan(3)
  expect(passes.at(-1)?.errors.map(({ code }) => code)).toEqual(['REPOSITORY_UNREACHABLE'])
})
