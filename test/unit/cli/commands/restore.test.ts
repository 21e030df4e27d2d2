import { describe, expect, test } from 'vitest'
import { run, type Stage, shelf, shop, snapshot } from '../../../support/cli.ts'
import { restoreShape } from '../../../support/json-shapes.ts'

const stored = [snapshot('redis', '2026-11-19T02:00:00.000Z'), snapshot('redis', '2026-11-20T02:00:00.000Z')]
const stage: Stage = { local: shelf(stored), containers: shop.filter(({ service }) => service !== 'web') }

describe('restore --dry-run', () => {
  test('a terminal shows what would be replaced, stopped and started', async () => {
    const { stdout, exitCode } = await run(['restore', 'redis', '--dry-run'], { ...stage, terminal: true })
    expect(stdout).toMatchInlineSnapshot(`
      "TARGET      METHOD  SNAPSHOT                TAKEN                SIZE     REPLACES
      shop/redis  redis   20261120T020000Z-redis  2026-11-20 02:00:00  2.9 MiB  all data of shop-redis-1
      Stops shop-cron-1, shop-app-1; starts shop-app-1, shop-cron-1.
      "
    `)
    expect(exitCode).toBe(0)
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
    const { exitCode, stderr } = await run(['restore', 'redis', '--at', 'yesterday', '--yes'], stage)
    expect(stderr).toContain('shop/redis has no snapshot yesterday')
    expect(exitCode).toBe(4)
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
