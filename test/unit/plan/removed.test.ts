import { describe, expect, test } from 'vitest'
import type { ContainerFacts } from '../../../src/engine/engine.ts'
import { makePlan } from '../../../src/plan/make-plan.ts'
import { container, enabled, methods, settings, standalone, volume } from './build.ts'

const plan = (containers: ContainerFacts[]) => makePlan(containers, settings, methods)
const mounts = [volume('data', '/data')]
const quadlet = { mounts, autoRemove: true, systemdUnit: 'indexer.service' } as const

describe('a container that is removed when it stops', () => {
  const ways = [
    {
      sentence: 'the target itself',
      containers: [container('db', { labels: enabled(), ...quadlet })],
      name: 'shop-db-1',
    },
    {
      sentence: 'another writer of the data',
      containers: [container('db', { labels: enabled(), mounts }), standalone('indexer', quadlet)],
      name: 'indexer',
    },
    {
      sentence: 'a group writer',
      containers: [
        container('db', { labels: enabled({ method: 'redis', group: 'all' }) }),
        container('indexer', { ...quadlet, labels: { 'xnai.backup.group-writer': 'all' } }),
      ],
      name: 'shop-indexer-1',
    },
  ]
  test.each(ways)('is a problem of the target that would stop it: $sentence', ({ containers, name }) => {
    const { targets, broken, problems } = plan(containers)
    expect(targets).toEqual([])
    expect(broken).toMatchObject([{ name: 'db', problems: [{ label: 'xnai.backup.quiesce', suggestion: 'pause' }] }])
    const [problem] = problems
    expect(problem?.reason).toContain(`${name} of the systemd unit indexer.service`)
    expect(problem?.reason).toMatch(/pause or none.*without --rm.*writer: never/)
  })

  test.each([
    [{ unitProblem: 'indexer.service is not the unit that runs this container' }, /not the unit that runs this/],
    [
      { unit: 'indexer.service', mounts: [...mounts, { ...volume('a'.repeat(64), '/cache') }] },
      /with its volume without a name at \/cache/,
    ],
  ])('is one although systemd is in reach, and says why: %j', (facts, reason) => {
    const { problems } = plan([container('db', { labels: enabled(), ...quadlet, ...facts })])
    expect(problems).toMatchObject([{ reason: expect.stringMatching(reason) }])
  })

  const spared = [
    { sentence: 'is paused', own: { labels: enabled({ quiesce: 'pause' }) }, other: quadlet },
    { sentence: 'is left alone by quiesce none', own: { labels: enabled({ quiesce: 'none' }) }, other: quadlet },
    {
      sentence: 'says that it never writes',
      own: { labels: enabled() },
      other: { ...quadlet, labels: { 'xnai.backup.writer': 'never' } },
    },
    {
      sentence: 'only reads',
      own: { labels: enabled() },
      other: { ...quadlet, mounts: [volume('data', '/d', false)] },
    },
    {
      sentence: 'is stopped by its unit',
      own: { labels: enabled() },
      other: { ...quadlet, unit: 'indexer.service' },
    },
    {
      sentence: 'carries the label of a unit, and stays after a stop, as those of podman-compose do',
      own: { labels: enabled() },
      other: { mounts, systemdUnit: 'podman-compose@shop.service' },
    },
  ]
  test.each(spared)('is no problem where it $sentence', ({ own, other }) => {
    const { targets, problems } = plan([container('db', { mounts, ...own }), standalone('indexer', other)])
    expect(problems).toEqual([])
    expect(targets.map(({ name }) => name)).toEqual(['db'])
  })
})
