import { describe, expect, test } from 'vitest'
import type { ContainerFacts } from '../../../src/engine/engine.ts'
import { makePlan } from '../../../src/plan/make-plan.ts'
import { container, enabled, methods, settings, standalone, volume } from './build.ts'

const reason = 'inspect: HTTP 500: layer not known'
const cause = { reason: expect.stringContaining(reason) }
const db = (labels: Record<string, string> = {}) =>
  container('db', { labels: enabled(labels), mounts: [volume('data', '/data')] })

const plan = (...containers: ContainerFacts[]) => makePlan(containers, { ...settings, project: 'shop' }, methods)
const unknown = (...containers: ContainerFacts[]) =>
  plan(db(), ...containers).targets.flatMap(({ unknownWriters }) => unknownWriters.map(({ name }) => name))

describe('a container that the engine cannot inspect', () => {
  test('breaks its own target only', () => {
    const { targets, broken, problems } = plan(db(), container('bad', { labels: enabled(), unreadable: reason }))
    expect(targets.map(({ name }) => name)).toEqual(['db'])
    expect(broken).toMatchObject([{ name: 'bad', problems: [cause] }])
    expect(problems).toMatchObject([{ container: 'shop-bad-1', target: 'bad', ...cause }])
  })

  test('is a problem without labels too, and outside of the project where it runs', () => {
    const containers = [
      container('bad', { unreadable: reason, state: 'stopped' }),
      standalone('up', { unreadable: reason }),
      standalone('down', { unreadable: reason, state: 'stopped' }),
    ]
    expect(plan(db(), ...containers).problems).toMatchObject([
      { project: 'shop', container: 'shop-bad-1', ...cause },
      { project: 'standalone', container: 'up', ...cause },
    ])
  })

  test('may write any data while it runs, unless its label says that it does not', () => {
    expect(unknown(standalone('up', { unreadable: reason }))).toEqual(['up'])
    expect(unknown(standalone('paused', { unreadable: reason, state: 'paused' }))).toEqual(['paused'])
    expect(unknown(standalone('down', { unreadable: reason, state: 'stopped' }))).toEqual([])
    expect(unknown(standalone('viewer', { unreadable: reason, labels: { 'xnai.backup.writer': 'never' } }))).toEqual([])
  })

  test('is no unknown writer of data that nobody is held for, nor of a target that dumps', () => {
    const up = standalone('up', { unreadable: reason })
    for (const labels of [{ quiesce: 'none' }, { method: 'redis' }])
      expect(plan(db(labels), up).targets[0]?.unknownWriters).toEqual([])
    expect(plan(db({ method: 'sqlite', paths: '/data/a.db' }), up).targets[0]?.unknownWriters).toHaveLength(1)
  })
})
