import { describe, expect, test } from 'vitest'
import { openCatalog } from '../../../../src/catalog/sqlite.ts'
import { BackupError } from '../../../../src/errors.ts'
import { makeFolder, run, shelf, shop, snapshot } from '../../../support/cli.ts'
import { statusShape } from '../../../support/json-shapes.ts'

const healthy = shop.filter(({ service }) => service !== 'web')

describe('status', () => {
  const fresh = [snapshot('redis', '2026-11-20T02:00:00.000Z'), snapshot('files', '2026-11-20T06:30:00.000Z')]

  test('a terminal shows which targets are broken and which meet their objectives', async () => {
    const { stdout, exitCode } = await run(['status'], { terminal: true, local: shelf(fresh) })
    expect(stdout).toMatchInlineSnapshot(`
      "TARGET      STATE   LAST BACKUP (UTC)  AGE       LIMIT  NEXT RUN (UTC)
      shop/files  ok      2026-11-20 06:30   5 h 30 m  1 d    on-change
      shop/redis  ok      2026-11-20 02:00   10 h      1 d    2026-11-21 02:00
      shop/web    broken  —                  —         —      —

      REPOSITORY  STATE  SNAPSHOTS  STORED   ADDRESS
      local       ok     2          2.9 MiB  archive:/backups

      problem: shop-web-1: xnai.backup.shedule=@daily: is no label of xnai-backup (did
        you mean xnai.backup.schedule?)
      "
    `)
    expect(exitCode).toBe(1)
  })

  test('a run that failed is told with its reason and a hint, until a later one succeeds: exit 1', async () => {
    const state = makeFolder()
    using catalog = openCatalog(state)
    const end = (id: string, started: string, outcome: 'failed' | 'complete') => {
      catalog.startRun({ id, kind: 'backup', trigger: 'schedule', project: 'shop', target: 'redis', started })
      const error = { code: 'DUMP_FAILED', message: 'the dump was cut off', hint: 'Look at the log of redis.' } as const
      const finished = started.replace('00:00', '00:09')
      catalog.finishRun(id, 'shop', 'redis', { finished, outcome, ...(outcome === 'failed' && { error }) })
    }
    const stage = { containers: healthy, local: shelf(fresh), catalog }
    end('one', '2026-11-20T11:00:00.000Z', 'failed')
    const failed = await run(['status'], stage)
    expect(failed.stdout).toMatch(/^shop\/redis +failed +2026-11-20 02:00 /m)
    expect(failed.stdout).toContain(
      'problem: shop/redis: the last backup failed at 2026-11-20 11:00 UTC: the dump\n  was cut off (DUMP_FAILED)\n',
    )
    expect(failed.stdout).toContain('hint: Look at the log of redis.\n')
    expect(failed.exitCode).toBe(1)
    end('two', '2026-11-20T11:30:00.000Z', 'complete')
    expect((await run(['status'], stage)).exitCode).toBe(0)
  })

  test('the newest damaged snapshots that are followed by a whole one are named: exit 0', async () => {
    const older = [...'1234567'].map((day) => snapshot('redis', `2026-11-0${day}T02:00:00.000Z`))
    const state = makeFolder()
    using catalog = openCatalog(state)
    const damaged = older.map(({ id, project, target, time: found }) => {
      const files = ['dump.rdb.zst', 'manifest.json'].map((file) => ({ file, reason: 'is missing' }))
      return { id, project, target, found, depth: 'bytes' as const, files }
    })
    catalog.damage.change('archive:/backups', () => damaged)
    const stage = { containers: healthy, local: shelf([...older, ...fresh]), catalog }
    const { stdout, exitCode } = await run(['status', '--wide'], stage)
    expect(stdout.split('\n').filter((line) => line.startsWith('damaged: '))).toMatchInlineSnapshot(`
      [
        "damaged: shop/redis: snapshot 20261107T020000Z-redis: dump.rdb.zst is missing, and 1 more file (found 2026-11-07 02:00 UTC)",
        "damaged: shop/redis: snapshot 20261106T020000Z-redis: dump.rdb.zst is missing, and 1 more file (found 2026-11-06 02:00 UTC)",
        "damaged: shop/redis: snapshot 20261105T020000Z-redis: dump.rdb.zst is missing, and 1 more file (found 2026-11-05 02:00 UTC)",
        "damaged: shop/redis: snapshot 20261104T020000Z-redis: dump.rdb.zst is missing, and 1 more file (found 2026-11-04 02:00 UTC)",
        "damaged: shop/redis: snapshot 20261103T020000Z-redis: dump.rdb.zst is missing, and 1 more file (found 2026-11-03 02:00 UTC)",
        "damaged: 2 more; see xnai-backup list",
      ]
    `)
    expect(exitCode).toBe(0)
  })

  test('exit code 0 when all objectives are met', async () => {
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
    const held = {
      snapshots: 2,
      storedBytes: 3_000_000,
      damaged: [],
      replication: null,
      freeBytes: 1e9,
      keyConfirmed: null,
      problems: [],
    }
    expect(repositories).toEqual([{ tier: 'local', url: 'archive:/backups', ok: true, ...held }])
    expect(exitCode).toBe(0)
  })

  test('exit code 1 when a snapshot is older than the objective', async () => {
    const old = [snapshot('redis', '2026-11-18T02:00:00.000Z'), fresh[1] ?? snapshot('files', '')]
    const { exitCode, stdout } = await run(['status'], { containers: healthy, local: shelf(old) })
    expect(stdout).toMatch(/^shop\/redis +too old +2026-11-18 02:00 /m)
    expect(exitCode).toBe(1)
  })

  test('the safety snapshot of a restore does not count as a backup', async () => {
    const safety = [snapshot('redis', '2026-11-20T11:00:00.000Z', { reason: 'safety' })]
    const { stdout } = await run(['status'], { containers: healthy, local: shelf(safety) })
    expect(stdout).toMatch(/^shop\/redis +never backed up /m)
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
