import { describe, expect, test } from 'vitest'
import { BackupError, reportError } from '../../../src/errors.ts'
import { fakeEngine } from '../../fakes/engine.ts'
import { container, run, shelf, shop, snapshot, volume } from '../../support/cli.ts'
import { checkShape, failureShape, listShape, planShape, statusShape } from '../../support/json-shapes.ts'

const healthy = shop.filter(({ service }) => service !== 'web')

describe('plan', () => {
  test('a terminal shows what stops, in which order, and the problems last', async () => {
    const { stdout, exitCode } = await run(['plan'], { terminal: true })
    expect(stdout).toMatchInlineSnapshot(`
      "TARGET      METHOD  SCHEDULE   NEXT RUN             QUIESCE  STOPS, IN ORDER  CAPTURES  KEEPS
      shop/files  files   on-change  —                    stop     shop-cron-1      /srv      daily=30d,weekly=90d
                                                                   shop-app-1
      shop/redis  redis   0 2 * * *  2026-11-21 02:00:00  none     —                —         daily=30d,weekly=90d
      shop/web    broken  —          —                    —        —                —         —

      problem: shop-web-1: xnai.backup.shedule=@daily: is no label of xnai-backup (did you mean xnai.backup.schedule?)
      "
    `)
    expect(exitCode).toBe(0)
  })

  test('a pipe gets plain lines', async () => {
    expect((await run(['plan'])).stdout).toMatchInlineSnapshot(`
      "TARGET	METHOD	SCHEDULE	NEXT RUN	QUIESCE	STOPS, IN ORDER	CAPTURES	KEEPS
      shop/files	files	on-change	—	stop	shop-cron-1,shop-app-1	/srv	daily=30d,weekly=90d
      shop/redis	redis	0 2 * * *	2026-11-21T02:00:00.000Z	none	—	—	daily=30d,weekly=90d
      shop/web	broken	—	—	—	—	—	—
      problem: shop-web-1: xnai.backup.shedule=@daily: is no label of xnai-backup (did you mean xnai.backup.schedule?)
      "
    `)
  })

  test('JSON starts in the reverse of the order in which it stops', async () => {
    const { targets, problems } = planShape.parse((await run(['plan', '--json'])).json())
    const files = targets.find(({ target }) => target === 'files')
    expect(files?.stops).toEqual(['shop-cron-1', 'shop-app-1'])
    expect(files?.starts).toEqual(['shop-app-1', 'shop-cron-1'])
    expect(problems).toMatchObject([{ label: 'xnai.backup.shedule', suggestion: 'xnai.backup.schedule' }])
  })

  test('an empty stack is told as such', async () => {
    const { stdout, exitCode } = await run(['plan'], { containers: [container('redis')] })
    expect(stdout).toBe('No container carries xnai.backup.enable=true.\n')
    expect(exitCode).toBe(0)
  })
})

describe('status', () => {
  const fresh = [snapshot('redis', '2026-11-20T02:00:00.000Z'), snapshot('files', '2026-11-20T06:30:00.000Z')]

  test('a terminal shows what is broken and what is fine', async () => {
    const { stdout, exitCode } = await run(['status'], { terminal: true, local: shelf(fresh) })
    expect(stdout).toMatchInlineSnapshot(`
      "TARGET      STATE   LAST BACKUP          AGE       RPO  SCHEDULE   NEXT RUN
      shop/files  ok      2026-11-20 06:30:00  5 h 30 m  1 d  on-change  —
      shop/redis  ok      2026-11-20 02:00:00  10 h      1 d  0 2 * * *  2026-11-21 02:00:00
      shop/web    broken  —                    —         —    —          —

      REPOSITORY  STATE  ADDRESS           SNAPSHOTS  STORED
      local       ok     archive:/backups  2          2.9 MiB

      problem: shop-web-1: xnai.backup.shedule=@daily: is no label of xnai-backup (did you mean xnai.backup.schedule?)
      "
    `)
    expect(exitCode).toBe(1)
  })

  test('all objectives met: exit 0', async () => {
    const { exitCode, json } = await run(['status', '--json'], { containers: healthy, local: shelf(fresh) })
    const { targets, repositories } = statusShape.parse(json())
    expect(targets.find(({ target }) => target === 'redis')).toMatchObject({
      lastSuccess: '2026-11-20T02:00:00.000Z',
      ageSeconds: 36_000,
      rpoSeconds: 86_400,
      rpoMet: true,
      lastDrill: null,
      nextRun: '2026-11-21T02:00:00.000Z',
      running: false,
    })
    expect(repositories).toEqual([
      { tier: 'local', url: 'archive:/backups', ok: true, snapshots: 2, storedBytes: 3_000_000 },
    ])
    expect(exitCode).toBe(0)
  })

  test('a snapshot older than the objective: exit 1', async () => {
    const old = [snapshot('redis', '2026-11-18T02:00:00.000Z'), fresh[1] ?? snapshot('files', '')]
    const { exitCode, stdout } = await run(['status'], { containers: healthy, local: shelf(old) })
    expect(stdout).toContain('shop/redis\ttoo old\t2026-11-18T02:00:00.000Z')
    expect(exitCode).toBe(1)
  })

  test('the safety snapshot of a restore is no backup', async () => {
    const safety = [snapshot('redis', '2026-11-20T11:00:00.000Z', { reason: 'safety' })]
    const { stdout } = await run(['status'], { containers: healthy, local: shelf(safety) })
    expect(stdout).toContain('shop/redis\tnever backed up')
  })

  test('a repository that cannot be reached is named, and the targets are still shown', async () => {
    const unreachable = async () => {
      throw new BackupError('REPOSITORY_UNREACHABLE', '/backups: no such directory')
    }
    const { exitCode, json } = await run(['status', '--json'], { local: shelf([], { list: unreachable }) })
    const { targets, repositories } = statusShape.parse(json())
    expect(targets).toHaveLength(3)
    expect(repositories[0]).toMatchObject({ ok: false, error: { code: 'REPOSITORY_UNREACHABLE' } })
    expect(exitCode).toBe(1)
  })
})

describe('list', () => {
  const stored = [
    snapshot('redis', '2026-11-18T02:00:00.000Z'),
    snapshot('redis', '2026-11-20T02:00:00.000Z'),
    snapshot('gone', '2026-01-01T02:00:00.000Z'),
  ]

  test('a terminal shows ids, times, sizes and why each is kept', async () => {
    const { stdout, exitCode } = await run(['list'], { terminal: true, local: shelf(stored) })
    expect(stdout).toMatchInlineSnapshot(`
      "ID                      TARGET      TIME                 METHOD  WHY       SIZE     STORED   TIER   KEPT
      20260101T020000Z-gone   shop/gone   2026-01-01 02:00:00  files   schedule  2.9 MiB  1.4 MiB  local  the target has no valid labels any more
      20261118T020000Z-redis  shop/redis  2026-11-18 02:00:00  redis   schedule  2.9 MiB  1.4 MiB  local  daily 2026-11-18
      20261120T020000Z-redis  shop/redis  2026-11-20 02:00:00  redis   schedule  2.9 MiB  1.4 MiB  local  daily 2026-11-20; weekly 2026-W47; newest
      "
    `)
    expect(exitCode).toBe(0)
  })

  test('one target, known by its snapshots alone', async () => {
    const { json } = await run(['list', 'gone', '--json'], { local: shelf(stored) })
    const { snapshots } = listShape.parse(json())
    expect(snapshots).toMatchObject([{ target: 'gone', tiers: ['local'], verified: null }])
    expect(snapshots[0]?.kept).toEqual(['the target has no valid labels any more'])
  })

  test('an unknown target: exit 4 and the nearest name', async () => {
    const { exitCode, stderr, stdout } = await run(['list', 'reddis'], { local: shelf(stored) })
    expect(stderr).toBe(
      'error: there is no target reddis\nhint: Did you mean redis? xnai-backup plan shows all targets.\n',
    )
    expect(stdout).toBe('')
    expect(exitCode).toBe(4)
  })
})

describe('check', () => {
  const stored = [snapshot('redis', '2026-11-20T02:00:00.000Z')]
  const damage = { id: '20261120T020000Z-redis', target: 'redis', file: 'shop/redis/dump.rdb.zst', reason: 'cut short' }

  test('without damage: exit 0', async () => {
    const { exitCode, stdout } = await run(['check'], { local: shelf(stored) })
    expect(stdout).toBe('local archive:/backups: 1 snapshot, no damage\n')
    expect(exitCode).toBe(0)
  })

  test('damage is named: exit 1', async () => {
    const asked: boolean[] = []
    const check = async function* ({ readData }: { readData: boolean }) {
      asked.push(readData)
      yield damage
    }
    const { exitCode, json } = await run(['check', '--read-data', '--json'], { local: shelf(stored, { check }) })
    expect(checkShape.parse(json())).toEqual({
      outcome: 'failed',
      repositories: [{ tier: 'local', url: 'archive:/backups', snapshots: 1, damaged: [damage] }],
    })
    expect(asked).toEqual([true])
    expect(exitCode).toBe(1)
  })
})

test('an error of any command is one JSON document on stdout, and text on stderr', async () => {
  const error = new BackupError('REPOSITORY_UNREACHABLE', '/backups: no such directory')
  const unreachable = () => Promise.reject(error)
  const { exitCode, json, stderr } = await run(['list', '--json'], { local: shelf([], { list: unreachable }) })
  expect(failureShape.parse(json())).toEqual({ error: reportError(error) })
  expect(stderr).toMatch(/^error: \/backups: no such directory\nhint: /)
  expect(exitCode).toBe(1)
})

test('a secret of a container that is part of an error never reaches the output', async () => {
  const secret = container('redis', {
    labels: { 'xnai.backup.enable': 'true' },
    environment: { REDIS_PASSWORD: 'open sesame' },
    mounts: [volume('redis', '/data')],
  })
  const careless = () => Promise.reject(new BackupError('AUTH_FAILED', 'redis-cli -a open sesame: refused'))
  const { stdout, stderr } = await run(['list', '--json'], {
    containers: [secret],
    local: shelf([], { list: careless }),
  })
  expect(stdout + stderr).not.toContain('open sesame')
  expect(stdout).toContain('redis-cli -a [secret]: refused')
})

describe('an ordinary user of a rootless engine', () => {
  const engine = fakeEngine()
  const rootless = { ...engine, isRootless: async () => true }

  test('is told to enter its user namespace before files are touched', async () => {
    const { stderr } = await run(['backup', 'redis'], { engine: rootless, userId: 1000 })
    expect(stderr).toMatch(/^hint: .* podman unshare xnai-backup/)
  })

  test.for([
    ['root within that namespace', ['backup', 'redis'], 0],
    ['who only looks', ['list'], 1000],
  ] as const)('%s is not', async ([, args, userId]) => {
    const { stderr } = await run([...args], { engine: rootless, userId })
    expect(stderr).not.toContain('unshare')
  })
})
