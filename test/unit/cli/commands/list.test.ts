import { describe, expect, test } from 'vitest'
import { run, shelf, snapshot } from '../../../support/cli.ts'
import { listShape } from '../../../support/json-shapes.ts'

describe('list', () => {
  const stored = [
    snapshot('redis', '2026-11-18T02:00:00.000Z'),
    snapshot('redis', '2026-11-20T02:00:00.000Z'),
    snapshot('gone', '2026-01-01T02:00:00.000Z'),
  ]

  test('a terminal shows ids, times, sizes and why each is kept', async () => {
    const { stdout, exitCode } = await run(['list'], { terminal: true, local: shelf(stored) })
    expect(stdout).toMatchInlineSnapshot(`
      "ID                      TARGET      TAKEN (UTC)       SIZE     WHY
      20260101T020000Z-gone   shop/gone   2026-01-01 02:00  2.9 MiB  schedule
        kept: the target has no valid labels any more
      20261118T020000Z-redis  shop/redis  2026-11-18 02:00  2.9 MiB  schedule
        kept: daily 2026-11-18
      20261120T020000Z-redis  shop/redis  2026-11-20 02:00  2.9 MiB  schedule
        kept: daily 2026-11-20, weekly 2026-W47, newest
      "
    `)
    expect(exitCode).toBe(0)
  })

  test('a snapshot that the policy does not need any more is not shown as gone', async () => {
    const old = [snapshot('redis', '2025-01-01T02:00:00.000Z'), ...stored]
    const { stdout } = await run(['list', 'redis'], { local: shelf(old) })
    expect(stdout).toContain('20250101T020000Z-redis')
    expect(stdout).toContain('\n  kept: though no longer needed by the policy\n')
  })

  test('a target that only its snapshots name can be listed', async () => {
    const { json } = await run(['list', 'gone', '--json'], { local: shelf(stored) })
    const { snapshots } = listShape.parse(json())
    expect(snapshots).toMatchObject([{ target: 'gone', tiers: ['local'], verified: null }])
    expect(snapshots[0]?.kept).toEqual(['the target has no valid labels any more'])
  })

  test('an unknown target ends with exit code 4 and the nearest name', async () => {
    const { exitCode, stderr, stdout } = await run(['list', 'reddis'], { local: shelf(stored) })
    expect(stderr).toBe(
      'error: there is no target reddis\nhint: Did you mean redis? xnai-backup plan shows all targets.\n',
    )
    expect(stdout).toBe('')
    expect(exitCode).toBe(4)
  })
})
