import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { backupShape, restoreShape } from '../../support/json-shapes.ts'
import type { Journey, Report } from './as-user.ts'

const script = join(import.meta.dirname, '../../../lab/rootless.sh')
/** Seen from the checkout, in which the script starts it. */
const program = ['node', 'test/scenario/rootless/as-user.ts']
const referenceStack = ['config', 'faiss', 'iam', 'qdrant', 'redis', 'victoriametrics', 'vikunja-db']
const beside = ['cache', 'db', 'notes']
let report: Report

beforeAll(async () => {
  const { stdout } = await promisify(execFile)('bash', [script, 'xnai-lab', ...program], { maxBuffer: 2 ** 26 })
  report = JSON.parse(stdout)
})

/** Everything came back, was really gone before, and what ran runs. */
function expectJourney({ before, destroyed, after, backup, restore, states }: Journey, names: string[]): void {
  const expected = names.toSorted()
  expect(backupShape.safeParse(backup).error).toBeUndefined()
  expect(backup, JSON.stringify(backup)).toMatchObject({ outcome: 'complete' })
  expect(backup.targets.map(({ target }: { target: string }) => target).toSorted()).toEqual(expected)
  expect(Object.keys(before).toSorted()).toEqual(expected)
  for (const name of expected) {
    expect(before[name], name).not.toBe('nothing')
    expect(destroyed[name], name).not.toBe(before[name])
  }
  expect(restoreShape.safeParse(restore).error).toBeUndefined()
  expect(restore, JSON.stringify(restore)).toMatchObject({ outcome: 'complete' })
  expect(after).toEqual(before)
  expect(states[1]).toEqual(states[0])
  expect(new Set(Object.values(states[0]))).toEqual(new Set(['running']))
}

describe('a rootless stack of an ordinary user', () => {
  test('all of the reference stack and more, by the controller, a privileged container of that user', () =>
    expectJourney(report.controller, [...referenceStack, ...beside]))

  test('by the command line under podman unshare', () => expectJourney(report.unshared, beside))

  test('P9: no password shows anywhere', () => {
    expect(report.controller.secrets).toBe('')
    expect(report.unshared.secrets).toBe('')
  })

  test('owners are as the services see them', () => {
    const { cache, notes } = report.controller.after
    expect(cache).toContain('/data/dump.rdb 1000:1000\n')
    expect(notes).toContain(`./folder/own regular file ${report.userId}:`)
    expect(notes).toMatch(/\.\/of-another regular file (?!65534|0:)\d+:\d+ 600 /)
  })

  test('who starts it without podman unshare is told to', () => {
    expect(report.userId).not.toBe(0)
    expect(report.hint).toContain('podman unshare xnai-backup')
  })
})
