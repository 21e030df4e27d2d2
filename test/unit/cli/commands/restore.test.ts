import { describe, expect, test } from 'vitest'
import { openCatalog } from '../../../../src/catalog/sqlite.ts'
import { container, makeFolder, run, type Stage, shelf, shop, snapshot, volume } from '../../../support/cli.ts'
import { restoreShape } from '../../../support/json-shapes.ts'

const stored = [snapshot('redis', '2026-11-19T02:00:00.000Z'), snapshot('redis', '2026-11-20T02:00:00.000Z')]
const stage: Stage = { local: shelf(stored), containers: shop.filter(({ service }) => service !== 'web') }

describe('restore --dry-run', () => {
  test('a terminal shows what would be replaced, stopped and started', async () => {
    const { stdout, exitCode } = await run(['restore', 'redis', '--dry-run'], { ...stage, terminal: true })
    expect(stdout).toMatchInlineSnapshot(`
      "TARGET      SNAPSHOT                TAKEN (UTC)       SIZE
      shop/redis  20261120T020000Z-redis  2026-11-20 02:00  2.9 MiB
        replaces all data of shop-redis-1
      Stops shop-cron-1, shop-app-1, shop-redis-1; starts shop-redis-1, shop-app-1,
        shop-cron-1.
      "
    `)
    expect(exitCode).toBe(0)
  })

  test('it says for how long services were down last time, in text and in the document', async () => {
    const state = makeFolder()
    using catalog = openCatalog(state)
    const run0 = { id: 'r', kind: 'restore', trigger: 'manual', project: 'shop', target: 'redis' } as const
    catalog.startRun({ ...run0, started: '2026-11-18T02:00:00.000Z' })
    const end = { finished: '2026-11-18T02:01:00.000Z', outcome: 'complete' as const, downtimeSeconds: 42 }
    catalog.finishRun('r', 'shop', 'redis', end)
    const text = await run(['restore', 'redis', '--dry-run'], { ...stage, state })
    expect(text.stdout).toContain('Last stop for shop/redis: 42 s (restore, 2026-11-18 02:00 UTC).')
    const { json } = await run(['restore', 'redis', '--dry-run', '--json'], { ...stage, state })
    expect(json()).toMatchObject({
      stops: ['shop-cron-1', 'shop-app-1', 'shop-redis-1'],
      starts: ['shop-redis-1', 'shop-app-1', 'shop-cron-1'],
      targets: [{ lastDowntime: { kind: 'restore', seconds: 42 } }],
    })
  })

  test('the document names the snapshot that the time selects', async () => {
    const args = ['restore', 'redis', '--dry-run', '--json', '--at', '2026-11-19 02:00']
    expect((await run(args, stage)).json()).toMatchObject({
      dryRun: true,
      targets: [{ project: 'shop', target: 'redis', snapshot: '20261119T020000Z-redis' }],
    })
  })

  test('a restore beside the stack stops nothing', async () => {
    const args = ['restore', 'redis', '--dry-run', '--json', '--to', '/srv/look']
    expect((await run(args, stage)).json()).toMatchObject({ stops: [], starts: [], to: '/srv/look' })
  })
})

describe('a safety snapshot', () => {
  const safety = snapshot('redis', '2026-11-20T03:00:00.000Z', { reason: 'safety' })
  const local = shelf([...stored, safety])

  test('is never chosen by latest, by a time or by a set, only by its id', async () => {
    for (const args of [[], ['--at', 'latest'], ['--at', 'today'], ['--at', '1 second ago'], ['--at', '2036-01-01']]) {
      const { json } = await run(['restore', 'redis', ...args, '--dry-run', '--json'], { ...stage, local })
      expect(json()).toMatchObject({ targets: [{ snapshot: '20261120T020000Z-redis' }] })
    }
    const bySet = ['restore', 'redis', '--set', safety.set, '--dry-run']
    expect((await run(bySet, { ...stage, local })).exitCode).toBe(4)
    const byId = ['restore', 'redis', '--at', safety.id, '--dry-run', '--json']
    expect((await run(byId, { ...stage, local })).json()).toMatchObject({ targets: [{ snapshot: safety.id }] })
  })
})

describe('a snapshot dated by a wrong clock', () => {
  const future = snapshot('redis', '2036-01-01T00:00:00.000Z')
  const local = shelf([...stored, future])

  test('is not the latest one', async () => {
    const { json } = await run(['restore', 'redis', '--dry-run', '--json'], { ...stage, local })
    expect(json()).toMatchObject({ targets: [{ snapshot: '20261120T020000Z-redis' }] })
  })

  test('does not choose the set of a group', async () => {
    const containers = [
      container('one', {
        labels: { 'xnai.backup.enable': 'true', 'xnai.backup.group': 'g' },
        mounts: [volume('a', '/a')],
      }),
      container('two', {
        labels: { 'xnai.backup.enable': 'true', 'xnai.backup.group': 'g' },
        mounts: [volume('b', '/b')],
      }),
    ]
    const pair = (set: string, time: string) => ['one', 'two'].map((name) => snapshot(name, time, { set }))
    const sets = shelf([...pair('good', '2026-11-20T02:00:00.000Z'), ...pair('future', '2036-01-01T00:00:00.000Z')])
    const { json } = await run(['restore', '--all', '--dry-run', '--json'], { containers, local: sets })
    expect(json()).toMatchObject({ targets: [{ set: 'good' }, { set: 'good' }] })
  })

  test('is restored by its id, its set or a time in the future', async () => {
    for (const args of [
      ['--at', future.id],
      ['--at', '2036-01-02'],
      ['--set', future.set],
    ]) {
      const { json } = await run(['restore', 'redis', ...args, '--dry-run', '--json'], { ...stage, local })
      expect(json()).toMatchObject({ targets: [{ snapshot: future.id }] })
    }
  })

  test('is named in the hint where there is no other', async () => {
    const { stderr, exitCode } = await run(['restore', 'redis', '--yes'], { ...stage, local: shelf([future]) })
    expect(stderr).toContain('hint: It has 1, the newest 20360101T000000Z-redis, which is dated in the future:')
    expect(exitCode).toBe(4)
  })
})

test('a group is not restored from a set with a damaged member, though another one is the latest of its target', async () => {
  const labels = { 'xnai.backup.enable': 'true', 'xnai.backup.group': 'g' }
  const containers = ['one', 'two'].map((name) => container(name, { labels, mounts: [volume(name, `/${name}`)] }))
  const night = { set: 'night' }
  const { id, project, target, time } = snapshot('one', '2026-11-20T02:00:00.000Z')
  const files = [{ file: 'dump.zst', reason: 'is missing' }]
  const damaged = { id, project, target, found: time, depth: 'bytes' as const, files }
  const local = shelf([
    snapshot('one', time, { ...night, damaged }),
    snapshot('two', time, night),
    snapshot('one', '2026-11-20T03:00:00.000Z'),
  ])
  const { exitCode, stderr } = await run(['restore', 'one', 'two', '--dry-run'], { containers, local })
  expect(stderr).toBe(
    `error: snapshot ${id} of shop/one is damaged: dump.zst is missing\nhint: Nothing was touched. The newest whole one: --at 20261120T030000Z-one. If the disk is mended, --at ${id} reads it anew.\n`,
  )
  expect(exitCode).toBe(1)
})

describe('restore --set without targets', () => {
  const both = [
    snapshot('redis', '2026-11-19T02:00:00.000Z', { set: 'night' }),
    snapshot('files', '2026-11-19T02:00:00.000Z', { set: 'night' }),
    snapshot('redis', '2026-11-20T02:00:00.000Z'),
  ]

  test('means all targets of the set', async () => {
    const { json } = await run(['restore', '--set', 'night', '--dry-run', '--json'], { local: shelf(both) })
    expect(json()).toMatchObject({
      targets: [
        { target: 'redis', set: 'night' },
        { target: 'files', set: 'night' },
      ],
    })
  })

  test('refuses what only one target can take', async () => {
    const { stderr } = await run(['restore', '--set', 'night', '--only', 'x', '--yes'], { local: shelf(both) })
    expect(stderr).toContain('--only takes files out of one target')
  })

  test('of an unknown set ends with exit code 4', async () => {
    expect((await run(['restore', '--set', 'none', '--yes'], stage)).exitCode).toBe(4)
  })
})

describe('a restore that overwrites data', () => {
  test('is refused where nobody can be asked, with exit code 2', async () => {
    const { exitCode, stderr } = await run(['restore', 'redis'], stage)
    expect(stderr).toBe(
      'error: the restore of shop/redis overwrites what is there now\nhint: Add --yes to overwrite without being asked.\n',
    )
    expect(exitCode).toBe(2)
  })

  test('shows the plan on a terminal and asks, and takes anything but yes for no', async () => {
    const { exitCode, asked, stderr } = await run(['restore', 'redis'], { ...stage, terminal: true, reply: 'no' })
    expect(asked).toBe('A safety snapshot is taken first. Overwrite shop/redis? [y/N] ')
    expect(stderr).toContain('20261120T020000Z-redis')
    expect(stderr).toContain('error: the restore was not confirmed\nhint: Nothing was touched.\n')
    expect(exitCode).toBe(2)
  })

  test('says in the question that --no-safety leaves no way back', async () => {
    const { asked } = await run(['restore', 'redis', '--no-safety'], { ...stage, terminal: true })
    expect(asked).toContain('NO way back')
  })
})

describe('a restore that is not possible', () => {
  test('of an unknown snapshot ends with exit code 4', async () => {
    const id = '20261120T020000Z-nobody'
    const { exitCode, stderr } = await run(['restore', 'redis', '--at', id, '--yes'], stage)
    expect(stderr).toContain(`shop/redis has no snapshot ${id}`)
    expect(exitCode).toBe(4)
  })

  test('of a time that is not understood names the accepted forms, with exit code 2', async () => {
    const { exitCode, stderr } = await run(['restore', 'redis', '--at', 'noon', '--yes'], stage)
    expect(stderr).toContain('error: --at noon: is no time, and no id of a snapshot\nhint: Give latest,')
    expect(exitCode).toBe(2)
  })

  test('because there is no older snapshot names the newest that is no safety snapshot', async () => {
    const safety = snapshot('redis', '2026-11-20T03:00:00.000Z', { reason: 'safety' })
    const args = ['restore', 'redis', '--at', '2026-11-01', '--yes']
    const { stderr } = await run(args, { ...stage, local: shelf([...stored, safety]) })
    expect(stderr).toContain('hint: It has 3, the newest 20261120T020000Z-redis;')
    const { stderr: alone } = await run(['restore', 'redis', '--yes'], { ...stage, local: shelf([safety]) })
    expect(alone).toContain('hint: It has only safety snapshots, which are restored by their id: --at ID;')
  })

  test('of an unknown set ends with exit code 4', async () => {
    expect((await run(['restore', '--all', '--set', 'none', '--yes'], stage)).exitCode).toBe(4)
  })

  test('of a broken target fails by its problems', async () => {
    const local = shelf([snapshot('web', '2026-11-20T02:00:00.000Z')])
    const { exitCode, json } = await run(['restore', 'web', '--yes', '--json'], { local })
    const { targets, outcome } = restoreShape.parse(json())
    expect(targets[0]?.error?.code).toBe('TARGET_BROKEN')
    expect(targets[0]?.error?.message).toContain('xnai.backup.shedule')
    expect(outcome).toBe('failed')
    expect(exitCode).toBe(1)
  })

  test('of a target without a snapshot does not keep --all from restoring the others', async () => {
    const { json } = await run(['restore', '--all', '--dry-run', '--json'], stage)
    expect(json()).toMatchObject({
      targets: [{ target: 'redis' }],
      refused: [{ target: 'files', error: { code: 'NO_SUCH_SNAPSHOT' } }],
    })
  })
})
