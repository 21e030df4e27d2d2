import { describe, expect, test } from 'vitest'
import type { ContainerFacts } from '../../../src/engine/engine.ts'
import { makePlan } from '../../../src/plan/make-plan.ts'
import { bind, container, enabled, methods, settings, standalone, volume } from './build.ts'

const mounts = [volume('data', '/data')]
const target = (labels: Record<string, string> = {}, facts: Partial<ContainerFacts> = {}) =>
  container('db', { labels: enabled(labels), mounts, ...facts })

function quiesced(first: ContainerFacts, others: ContainerFacts[]): string[] {
  const made = makePlan([...others, first], { ...settings, project: 'shop', selfId: 'id-backup' }, methods)
  expect(made.problems).toEqual([])
  return made.targets.find(({ container }) => container.id === first.id)?.quiesced.map(({ id }) => id.slice(3)) ?? []
}

describe('what a capture stops', () => {
  const rows: { sentence: string; first?: ContainerFacts; others?: ContainerFacts[]; stops: string[] }[] = [
    { sentence: 'the labelled container alone', stops: ['db'] },
    {
      sentence: 'an unlabelled writer of the same volume',
      others: [container('w', { mounts: [volume('data', '/x')] })],
      stops: ['db', 'w'],
    },
    {
      sentence: 'a writer of another project',
      others: [container('w', { project: 'other', mounts })],
      stops: ['w', 'db'],
    },
    { sentence: 'a writer that no compose made', others: [standalone('w', { mounts })], stops: ['db', 'w'] },
    {
      sentence: 'a writer through a bind above the volume',
      others: [container('w', { mounts: [bind('/var/lib/containers', '/c')] })],
      stops: ['db', 'w'],
    },
    {
      sentence: 'a writer through a bind of a folder in the volume',
      others: [container('w', { mounts: [bind('/var/lib/containers/storage/volumes/data/_data/sub', '/c')] })],
      stops: ['db', 'w'],
    },
    {
      sentence: 'not a neighbour with the same beginning',
      others: [container('w', { mounts: [bind('/var/lib/containers/storage/volumes/data/_data2', '/c')] })],
      stops: ['db'],
    },
    { sentence: 'not a reader', others: [container('r', { mounts: [volume('data', '/x', false)] })], stops: ['db'] },
    {
      sentence: 'not a paused or stopped writer',
      others: [container('p', { mounts, state: 'paused' }), container('s', { mounts, state: 'stopped' })],
      stops: ['db'],
    },
    {
      sentence: 'no controller of another stack',
      others: [
        container('peer', {
          project: 'other',
          mounts: [bind('/', '/host')],
          labels: { 'org.xnai-backup.role': 'controller' },
        }),
      ],
      stops: ['db'],
    },
    {
      sentence: 'no container that says it writes no data of others',
      others: [container('w', { mounts, labels: { 'xnai.backup.writer': 'never' } })],
      stops: ['db'],
    },
    {
      sentence: 'the labelled container itself, whatever it says of the data of others',
      first: target({ writer: 'never' }),
      stops: ['db'],
    },
    {
      sentence: 'never the controller itself',
      others: [container('backup', { mounts: [bind('/', '/host')] })],
      stops: ['db'],
    },
    {
      sentence: 'not the labelled container where it only reads',
      first: target({ paths: '/data' }, { mounts: [volume('data', '/data', false)] }),
      others: [container('w', { mounts })],
      stops: ['w'],
    },
    {
      sentence: 'not the labelled container where its method needs it',
      first: target({ method: 'sqlite', paths: '/data', quiesce: 'stop' }),
      others: [container('w', { mounts })],
      stops: ['w'],
    },
    {
      sentence: 'nobody where nothing is quiesced',
      first: target({ quiesce: 'none' }),
      others: [container('w', { mounts })],
      stops: [],
    },
    {
      sentence: 'whoever lives in the network of a stopped one, and in turn in its',
      others: [container('vpn', { joins: 'id-db' }), container('app', { joins: 'id-vpn' })],
      stops: ['app', 'vpn', 'db'],
    },
    {
      sentence: 'whoever podman ties to a stopped one',
      others: [container('tied', { requires: ['id-db'] })],
      stops: ['tied', 'db'],
    },
    {
      sentence: 'not what merely depends on it by compose',
      others: [container('web', { dependsOn: ['db'] })],
      stops: ['db'],
    },
    {
      sentence: 'a pause holds writers only',
      first: target({ quiesce: 'pause' }),
      others: [container('vpn', { joins: 'id-db' }), container('w', { mounts })],
      stops: ['db', 'w'],
    },
    {
      sentence: 'the labelled writers of its group, though it is not quiesced itself',
      first: target({ quiesce: 'none', group: 'shop' }),
      others: [
        container('w', { labels: { 'xnai.backup.group-writer': 'shop' } }),
        container('x', { labels: { 'xnai.backup.group-writer': 'other' } }),
      ],
      stops: ['w'],
    },
    {
      sentence: 'no group writer of another project',
      first: target({ quiesce: 'none', group: 'shop' }),
      others: [container('w', { project: 'other', labels: { 'xnai.backup.group-writer': 'shop' } })],
      stops: [],
    },
    { sentence: 'a stopped target has nothing to stop', first: target({}, { state: 'stopped' }), stops: [] },
  ]
  test.each(rows)('$sentence', ({ first = target(), others = [], stops }) => {
    expect(quiesced(first, others)).toEqual(stops)
  })
})

describe('stop order', () => {
  const writer = (name: string, facts: Partial<ContainerFacts> = {}) => container(name, { mounts, ...facts })
  const rows: { sentence: string; others: ContainerFacts[]; stops: string[] }[] = [
    {
      sentence: 'dependents first, by compose',
      others: [writer('web', { dependsOn: ['api'] }), writer('api', { dependsOn: ['db'] })],
      stops: ['web', 'api', 'db'],
    },
    { sentence: 'dependents first, by podman', others: [writer('api', { requires: ['id-db'] })], stops: ['api', 'db'] },
    {
      sentence: 'through one that is not stopped itself',
      others: [writer('a', { dependsOn: ['mid'] }), container('mid', { dependsOn: ['db'] })],
      stops: ['a', 'db'],
    },
    {
      sentence: 'a service name means nothing in another project',
      others: [writer('a', { project: 'b', dependsOn: ['db'] })],
      stops: ['a', 'db'],
    },
    {
      sentence: 'a cycle ends, and what stands outside of it keeps its place',
      others: [
        writer('x', { dependsOn: ['y'] }),
        writer('y', { dependsOn: ['x', 'db'] }),
        writer('z', { dependsOn: ['x'] }),
      ],
      stops: ['z', 'x', 'y', 'db'],
    },
    { sentence: 'one that depends on itself', others: [writer('x', { dependsOn: ['x', 'db'] })], stops: ['x', 'db'] },
  ]
  test.each(rows)('$sentence', ({ others, stops }) => {
    expect(quiesced(target(), others)).toEqual(stops)
  })
})

describe('clients of a restore', () => {
  const rows: { sentence: string; label?: string; others: ContainerFacts[]; clients: string[] }[] = [
    { sentence: 'nobody depends on it', others: [container('web')], clients: [] },
    {
      sentence: 'dependents and their dependents, last in line first',
      others: [container('api', { dependsOn: ['db'] }), container('web', { dependsOn: ['api'] })],
      clients: ['web', 'api'],
    },
    {
      sentence: 'running or not',
      others: [container('api', { dependsOn: ['db'], state: 'stopped' })],
      clients: ['api'],
    },
    {
      sentence: 'by the label alone where there is one',
      label: 'job',
      others: [container('api', { dependsOn: ['db'] }), container('job')],
      clients: ['job'],
    },
    {
      sentence: 'never itself, though the label names it',
      label: 'db,job',
      others: [container('job')],
      clients: ['job'],
    },
    {
      sentence: 'those of other projects by project and service',
      label: 'other/api,job,gone/web',
      others: [
        container('api', { project: 'other' }),
        container('web', { project: 'other' }),
        container('job'),
        container('job-2', { project: 'third', service: 'job' }),
      ],
      clients: ['api', 'job'],
    },
    { sentence: 'never the controller', others: [container('backup', { dependsOn: ['db'] })], clients: [] },
    {
      sentence: 'not those of another project',
      others: [container('api', { project: 'other', dependsOn: ['db'] })],
      clients: [],
    },
  ]
  test.each(rows)('$sentence', ({ label, others, clients }) => {
    const first = target(label === undefined ? {} : { clients: label })
    const { targets } = makePlan([first, ...others], { ...settings, selfId: 'id-backup' }, methods)
    expect(targets.find(({ name }) => name === 'db')?.clients.map(({ id }) => id.slice(3))).toEqual(clients)
  })
})
