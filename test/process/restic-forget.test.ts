import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RetentionPolicy } from '../../src/labels/spec.ts'
import { keep } from '../../src/plan/retention.ts'

const timezone = 'Europe/Berlin'
/** Local times, newest first: two on one day, both sides of midnight, of a week, of a change of the clock, of a month and of a year. */
const times = [
  ...['2026-04-02 02:00:00', '2026-04-01 23:30:00', '2026-04-01 00:30:00', '2026-03-31 23:59:00'],
  ...[
    '2026-03-29 23:00:00',
    '2026-03-29 01:30:00',
    '2026-03-03 02:00:00',
    '2026-01-01 02:00:00',
    '2025-12-29 02:00:00',
    '2025-12-28 02:00:00',
  ],
]

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'forget-'))
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'data/word'), 'one')
  writeFileSync(join(folder, 'password'), 'secret')
  restic('init')
  for (const time of times) restic('backup', '--time', time, join(folder, 'data'))
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function restic(...args: string[]): string {
  const env = { RESTIC_REPOSITORY: join(folder, 'repo'), RESTIC_PASSWORD_FILE: join(folder, 'password'), TZ: timezone }
  const options = {
    env: { ...process.env, ...env, RESTIC_CACHE_DIR: join(folder, 'cache') },
    encoding: 'utf8' as const,
  }
  return execFileSync('restic', args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
}

const day = 86_400

test.for<[policy: RetentionPolicy, ...args: string[]]>([
  [{ last: 3 }, '--keep-last', '3'],
  [{ daily: 4 * day, weekly: 90 * day }, '--keep-within-daily', '4d', '--keep-within-weekly', '90d'],
  [{ daily: 32 * day, monthly: 365 * day }, '--keep-within-daily', '32d', '--keep-within-monthly', '365d'],
  [{ weekly: 400 * day, last: 2 }, '--keep-within-weekly', '400d', '--keep-last', '2'],
])('restic forget agrees with %o', ([policy, ...args]) => {
  const stored: { id: string; time: string }[] = JSON.parse(restic('snapshots', '--json'))
  expect(stored).toHaveLength(times.length)
  const own = stored.map(({ id, time }) => ({ id, time: new Date(time).toISOString() }))
  // restic measures durations from the newest snapshot, and not from now.
  const now = new Date(
    own
      .map(({ time }) => time)
      .toSorted()
      .at(-1) ?? '',
  )
  const kept = keep(own, { policy, timezone, now }).flatMap(({ keep, snapshot }) => (keep ? [snapshot.id] : []))
  const [{ keep: theirs }] = JSON.parse(restic('forget', '--dry-run', '--json', ...args))
  expect(kept.toSorted()).toEqual(theirs.map(({ id }: { id: string }) => id).toSorted())
  expect(kept.length).toBeLessThan(times.length)
})
