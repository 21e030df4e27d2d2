import { describe, expect, test } from 'vitest'
import type { Repository, Snapshot } from '../../../../src/repository/repository.ts'
import { makeFolder, run, shelf, snapshot } from '../../../support/cli.ts'
import { failureShape, pruneShape, statusShape } from '../../../support/json-shapes.ts'

/** A repository from which snapshots can be removed. */
function holding(snapshots: Snapshot[], more: Partial<Repository> = {}) {
  let stored = snapshots
  const remove = async (ids: string[]) => {
    stored = stored.filter(({ id }) => !ids.includes(id))
  }
  return { local: shelf([], { list: async () => stored, remove, ...more }), left: () => stored.map(({ id }) => id) }
}

const redis = [
  snapshot('redis', '2026-11-19T02:00:00.000Z'),
  snapshot('redis', '2026-11-20T02:00:00.000Z'),
  snapshot('redis', '2026-11-20T10:00:00.000Z'),
]
const gone = [snapshot('gone', '2025-01-01T02:00:00.000Z'), snapshot('gone', '2026-01-01T02:00:00.000Z')]
const web = [snapshot('web', '2025-01-01T02:00:00.000Z'), snapshot('web', '2025-01-01T03:00:00.000Z')]
const foreign = [snapshot('db', '2025-01-01T02:00:00.000Z', { project: 'blog' })]
const everything = [...gone, ...web, ...redis]

describe('prune', () => {
  test('removes what the policy does not keep, and tells of targets whose policy is not known', async () => {
    const { local, left } = holding(everything)
    const { stdout, exitCode } = await run(['prune'], { terminal: true, local })
    expect(stdout).toMatchInlineSnapshot(`
      "ID                      TARGET      TAKEN (UTC)       STORED   DECISION
      20261120T020000Z-redis  shop/redis  2026-11-20 02:00  1.4 MiB  is gone
        daily: not the newest of 2026-11-20; weekly: not the newest of 2026-W47
      local archive:/backups: 1 removed (1.4 MiB), 6 kept
      hint: nothing is labelled as shop/gone any more; its snapshots stay until
        xnai-backup prune --target shop/gone --all
      "
    `)
    expect(exitCode).toBe(0)
    expect(left()).toEqual([...gone, ...web, redis[0], redis[2]].map((one) => one?.id))
  })

  test('a dry run shows a reason for each, and removes nothing', async () => {
    const { local, left } = holding(everything)
    const { stdout } = await run(['prune', '--dry-run'], { terminal: true, local })
    expect(stdout).toMatchInlineSnapshot(`
      "ID                      TARGET      TAKEN (UTC)       STORED   DECISION
      20250101T020000Z-gone   shop/gone   2025-01-01 02:00  1.4 MiB  stays
        the target has no valid labels any more
      20260101T020000Z-gone   shop/gone   2026-01-01 02:00  1.4 MiB  stays
        the target has no valid labels any more
      20261119T020000Z-redis  shop/redis  2026-11-19 02:00  1.4 MiB  stays
        daily 2026-11-19
      20261120T020000Z-redis  shop/redis  2026-11-20 02:00  1.4 MiB  would go
        daily: not the newest of 2026-11-20; weekly: not the newest of 2026-W47
      20261120T100000Z-redis  shop/redis  2026-11-20 10:00  1.4 MiB  stays
        daily 2026-11-20; weekly 2026-W47; newest
      20250101T020000Z-web    shop/web    2025-01-01 02:00  1.4 MiB  stays
        its labels are broken
      20250101T030000Z-web    shop/web    2025-01-01 03:00  1.4 MiB  stays
        its labels are broken
      local archive:/backups: 1 would be removed (1.4 MiB), 6 kept
      hint: nothing is labelled as shop/gone any more; its snapshots stay until
        xnai-backup prune --target shop/gone --all
      "
    `)
    expect(left()).toHaveLength(everything.length)
  })

  test('the document has all decisions', async () => {
    const { local } = holding([...everything, ...foreign])
    const { json } = await run(['prune', '--json'], { local, environment: { XNAI_BACKUP_PROJECT: 'shop' } })
    const { repositories, ...rest } = pruneShape.parse(json())
    expect(rest).toEqual({ dryRun: false, outcome: 'complete' })
    expect(repositories).toHaveLength(1)
    expect(repositories[0]?.remove).toEqual([
      expect.objectContaining({ id: redis[1]?.id, project: 'shop', target: 'redis', storedBytes: 1_500_000 }),
    ])
    expect(repositories[0]?.remove[0]?.reason).toBe(
      'daily: not the newest of 2026-11-20; weekly: not the newest of 2026-W47',
    )
    const reasons = Object.fromEntries(repositories[0]?.keep.map((one) => [one.target, one.reasons]) ?? [])
    expect(reasons).toMatchObject({
      web: ['its labels are broken'],
      gone: ['the target has no valid labels any more'],
      db: ['its project is not shop'],
    })
  })

  test('of one target leaves the others alone, and shows them not', async () => {
    const { local, left } = holding(everything)
    const { json } = await run(['prune', '--target', 'gone', '--dry-run', '--json'], { local })
    expect(pruneShape.parse(json()).repositories[0]?.keep.map(({ target }) => target)).toEqual(['gone', 'gone'])
    await run(['prune', '--target', 'gone'], { local })
    expect(left()).toHaveLength(everything.length)
  })

  test('a failure is told with what was removed all the same', async () => {
    const stored = [...redis, snapshot('redis', '2026-11-20T09:00:00.000Z')]
    let left = stored
    const remove = async () => {
      left = left.filter(({ id }) => id !== redis[1]?.id)
      throw new Error('the disk went away')
    }
    const { json, exitCode } = await run(['prune', '--json'], { local: shelf([], { list: async () => left, remove }) })
    const { outcome, repositories } = pruneShape.parse(json())
    expect(outcome).toBe('failed')
    expect(exitCode).toBe(1)
    expect(repositories[0]?.error?.message).toBe('the disk went away')
    expect(repositories[0]?.remove.map(({ id }) => id)).toEqual([redis[1]?.id])
    expect(repositories[0]?.keep.find(({ id }) => id === stored[3]?.id)?.reasons).toEqual(['could not be removed'])
  })
})

test('status tells of the one that failed, and by --tier or --target none is recorded', async () => {
  const state = makeFolder()
  const { local } = holding(everything, { remove: () => Promise.reject(new Error('the disk went away')) })
  await run(['prune', '--target', 'redis'], { local, state })
  await run(['prune', '--dry-run'], { local, state })
  const before = await run(['status', '--json'], { local, state })
  expect(statusShape.parse(before.json()).prune).toBeNull()
  await run(['prune'], { local, state })
  const after = await run(['status'], { local, state, terminal: true, columns: 200 })
  expect(after.stdout).toContain(
    'problem: old snapshots could not be removed at 2026-11-20 12:00 UTC: the disk went away (INTERNAL)\n',
  )
  expect(after.exitCode).toBe(1)
})

describe('what prune refuses', () => {
  test.for([
    ['an unknown target', ['--target', 'reddis'], 4, 'NO_SUCH_TARGET'],
    ['--all without a target', ['--all'], 2, 'USAGE'],
    ['--all of a target that has labels', ['--target', 'redis', '--all', '--yes'], 2, 'USAGE'],
    ['--all of a target whose labels are broken', ['--target', 'web', '--all', '--yes'], 2, 'USAGE'],
    ['--all of another project', ['--target', 'blog/db', '--all', '--yes'], 2, 'USAGE'],
    ['--all where nobody can be asked', ['--target', 'gone', '--all'], 2, 'CONFIRMATION_NEEDED'],
    ['a tier that is not configured', ['--tier', 'remote'], 2, 'CONFIG_INVALID'],
    ['a tier that does not exist', ['--tier', 'cloud'], 2, 'USAGE'],
  ] as const)('%s, and removes nothing', async ([_, args, code, error]) => {
    const { local, left } = holding([...everything, ...foreign])
    const stage = { local, environment: { XNAI_BACKUP_PROJECT: 'shop' } }
    const { json, exitCode } = await run(['prune', ...args, '--json'], stage)
    expect(failureShape.parse(json()).error.code).toBe(error)
    expect(exitCode).toBe(code)
    expect(left()).toHaveLength(everything.length + foreign.length)
  })
})

describe('prune --all of a target whose labels are gone', () => {
  test('asks, and removes nothing without a yes', async () => {
    const { local, left } = holding(everything)
    const { asked, stderr, exitCode } = await run(['prune', '--target', 'gone', '--all'], { terminal: true, local })
    expect(asked).toBe('There will be NO way back. Remove all 2 snapshots of shop/gone? [y/N] ')
    expect(stderr).toContain('local archive:/backups: 2 would be removed (2.9 MiB), 0 kept')
    expect(exitCode).toBe(2)
    expect(left()).toHaveLength(everything.length)
  })

  test.for([
    ['after a yes', { terminal: true, reply: 'y' }, []],
    ['with --yes and no terminal', {}, ['--yes']],
  ] as const)('removes every one of them %s', async ([_, stage, more]) => {
    const { local, left } = holding(everything)
    const { exitCode } = await run(['prune', '--target', 'shop/gone', '--all', ...more], { ...stage, local })
    expect(exitCode).toBe(0)
    expect(left()).toEqual([...web, ...redis].map(({ id }) => id))
  })
})
