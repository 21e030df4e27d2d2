import { describe, expect, test } from 'vitest'
import { renderBackup } from '../../../../src/cli/render/backup.ts'
import { renderRestore } from '../../../../src/cli/render/restore.ts'
import type { BackupResult, RestoreResult } from '../../../../src/job/job.ts'

const look = { colour: false, timezone: 'UTC', width: 80 }

const saved = (target: string, more: Partial<BackupResult> = {}): BackupResult => ({
  project: 'bookshop',
  target,
  method: 'files',
  outcome: 'complete',
  snapshot: '20261120T020000Z-1a2b3c',
  set: '20261120T020000Z-4d5e6f',
  bytes: 1024 ** 3 * 999.4,
  storedBytes: 1024 ** 3 * 400,
  files: 12,
  seconds: 200,
  heldSeconds: {},
  downtimeSeconds: 4.2,
  stopped: ['bookshop-app-1'],
  warnings: [],
  ...more,
})

const restored = (target: string, more: Partial<RestoreResult> = {}): RestoreResult => ({
  project: 'bookshop',
  target,
  snapshot: '20261120T020000Z-1a2b3c',
  outcome: 'complete',
  seconds: 12,
  downtimeSeconds: 9.5,
  safetySnapshot: '20261121T020000Z-1a2b3c',
  rolledBack: false,
  checks: [{ name: 'tree /srv', expected: 'abc', actual: 'abc', ok: true }],
  warnings: [],
  ...more,
})

const error = { code: 'AUTH_FAILED', message: 'the server refused the password', hint: 'Look at the labels.' } as const

describe('the result of a backup fits 80 columns', () => {
  test('with short names it has one line for each target', () => {
    const {
      snapshot: _,
      bytes: _bytes,
      storedBytes: _stored,
      ...failed
    } = saved('db', { outcome: 'failed', stopped: [] })
    const text = renderBackup([saved('app', { warnings: ['a fifo is left out'] }), { ...failed, error }], look)
    expect(text).toMatchInlineSnapshot(`
      "TARGET        RESULT    SNAPSHOT                 SIZE     TOOK      DOWN
      bookshop/app  complete  20261120T020000Z-1a2b3c  999 GiB  3 m 20 s  4.2 s
        stored as 400 GiB
      bookshop/db   failed    —                        —        3 m 20 s  —
      warning: bookshop/app: a fifo is left out
      error: bookshop/db: the server refused the password
      hint: Look at the labels.
      "
    `)
  })

  test('with long names it has a second line', () => {
    expect(renderBackup([saved('application-data')], look)).toMatchInlineSnapshot(`
      "TARGET               RESULT    SNAPSHOT                 SIZE     TOOK      DOWN
      bookshop/application-data
                           complete  20261120T020000Z-1a2b3c  999 GiB  3 m 20 s  4.2 s
        stored as 400 GiB
      "
    `)
  })
})

test('a service that did not run before a restore is said to be left as it was', () => {
  const text = renderRestore([restored('app', { left: 'stopped' })], look)
  expect(text).toContain('left: bookshop/app: stopped, as before the restore; start it when you want it\n')
})

describe('the result of a restore fits 80 columns', () => {
  test('with the safety snapshot in the second line', () => {
    const broken = restored('db', { outcome: 'failed', rolledBack: true, safety: 'raw', checks: [], error })
    expect(renderRestore([restored('app'), broken], look)).toMatchInlineSnapshot(`
      "TARGET        RESULT               SNAPSHOT                 TOOK  DOWN   CHECKS
      bookshop/app  complete             20261120T020000Z-1a2b3c  12 s  9.5 s  1 of 1
        safety snapshot 20261121T020000Z-1a2b3c
      bookshop/db   failed, rolled back  20261120T020000Z-1a2b3c  12 s  9.5 s  0 of 0
        safety snapshot 20261121T020000Z-1a2b3c (raw)
      proved: bookshop/app: tree /srv: abc
      error: bookshop/db: the server refused the password
      hint: Look at the labels.
      "
    `)
  })

  test('and at 120 columns in one line', () => {
    expect(renderRestore([restored('app')], { ...look, width: 120 })).toMatchInlineSnapshot(`
      "TARGET        RESULT    SNAPSHOT                 TOOK  DOWN   CHECKS  SAFETY SNAPSHOT
      bookshop/app  complete  20261120T020000Z-1a2b3c  12 s  9.5 s  1 of 1  20261121T020000Z-1a2b3c
      proved: bookshop/app: tree /srv: abc
      "
    `)
  })
})
