import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ContainerFacts } from '../../../src/engine/engine.ts'
import { scratchLabels, scratchName } from '../../../src/labels/scratch.ts'
import { makePlan } from '../../../src/plan/make-plan.ts'
import type { PlanSettings } from '../../../src/plan/plan.ts'
import { bind, container, enabled, methods, settings, standalone, volume } from './build.ts'

const plan = (containers: ContainerFacts[], own: Partial<PlanSettings> = {}) =>
  makePlan(containers, { ...settings, ...own }, methods)

const data = { labels: enabled(), mounts: [volume('data', '/data')] }

describe('which targets there are', () => {
  const rows: { sentence: string; containers: ContainerFacts[]; own?: Partial<PlanSettings>; targets: string[] }[] = [
    {
      sentence: 'a labelled service becomes a target of its name',
      containers: [container('db', data)],
      targets: ['shop/db'],
    },
    {
      sentence: 'a container that a drill made does not',
      containers: [
        standalone(scratchName('run1', 'db'), {
          ...data,
          labels: { ...enabled(), ...scratchLabels({ run: 'run1', state: 'state', until: '2026-12-01T00:00:00Z' }) },
        }),
      ],
      targets: [],
    },
    { sentence: 'an unlabelled one does not', containers: [container('db')], targets: [] },
    {
      sentence: 'a name label wins',
      containers: [container('db', { ...data, labels: enabled({ name: 'main' }) })],
      targets: ['shop/main'],
    },
    {
      sentence: 'outside compose the container gives the name',
      containers: [standalone('db', data)],
      targets: ['standalone/db'],
    },
    {
      sentence: 'a compose run container is none',
      containers: [container('db', data), container('once', { ...data, service: 'db', oneoff: true })],
      targets: ['shop/db'],
    },
    {
      sentence: 'another project is left out where one is set',
      containers: [container('db', data), container('x', { ...data, project: 'other' })],
      own: { project: 'shop' },
      targets: ['shop/db'],
    },
    {
      sentence: 'without a set project every one counts',
      containers: [container('db', data), container('x', { ...data, project: 'other' })],
      targets: ['other/x', 'shop/db'],
    },
    {
      sentence: 'a container on its way out is none',
      containers: [container('db', { ...data, state: 'removing' })],
      targets: [],
    },
    {
      sentence: 'a stopped service is still one',
      containers: [container('db', { ...data, state: 'stopped' })],
      targets: ['shop/db'],
    },
    {
      sentence: 'named targets stand beside the default one',
      containers: [container('db', { ...data, labels: enabled({ method: 'files', 'target.cache.method': 'redis' }) })],
      targets: ['shop/cache', 'shop/db'],
    },
  ]
  test.each(rows)('$sentence', ({ containers, own, targets }) => {
    const made = plan(containers, own)
    expect(made.targets.map(({ project, name }) => `${project}/${name}`).sort()).toEqual(targets)
    expect(made.problems).toEqual([])
  })

  test('a stopped leftover gives way to the running container of the same slot', () => {
    const old = container('db', { ...data, id: 'old', name: 'a_shop-db-1', state: 'stopped' })
    const { targets, problems } = plan([old, container('db', data)])
    expect(targets.map((target) => target.container.id)).toEqual(['id-db'])
    expect(problems).toEqual([])
  })

  test('of two stopped ones the one that ran last counts', () => {
    const stopped = (id: string, startedAt: string) =>
      container('db', { ...data, id, name: id, state: 'stopped', startedAt })
    const { targets } = plan([stopped('b', '2026-01-01T00:00:00Z'), stopped('a', '2026-02-01T00:00:00Z')])
    expect(targets.map((target) => target.container.id)).toEqual(['a'])
  })

  test('defaults come from the settings, labels win', () => {
    const labels = enabled({
      schedule: '@hourly',
      timezone: 'Europe/Berlin',
      rpo: '2h',
      drill: 'off',
      'retention.local': 'last=3',
    })
    const [own, plain] = plan([container('a', { ...data, labels }), container('b', { ...data })]).targets
    expect(plain).toMatchObject({
      schedule: settings.schedule,
      timezone: 'UTC',
      rpoSeconds: 86_400,
      rtoSeconds: 7200,
      drill: settings.drill,
      retention: settings.retention,
    })
    expect(own).toMatchObject({
      schedule: { kind: 'cron', expression: '0 * * * *' },
      timezone: 'Europe/Berlin',
      rpoSeconds: 7200,
      drill: 'off',
      retention: { local: { last: 3 }, remote: settings.retention.remote },
    })
  })
})

describe('what is broken, and why', () => {
  const rows: { sentence: string; containers: ContainerFacts[]; problem: object; count?: number }[] = [
    {
      sentence: 'a service name that cannot be a target name suggests one',
      containers: [container('My.DB', data)],
      problem: {
        container: 'shop-My.DB-1',
        target: 'My.DB',
        label: 'xnai.backup.name',
        value: '',
        suggestion: 'my-db',
        reason: expect.stringContaining('"My.DB" cannot name the target'),
      },
    },
    {
      sentence: 'replicas of one service are named both',
      containers: [container('db', data), container('db', { ...data, id: '2', name: 'shop-db-2', number: 2 })],
      problem: { target: 'db', reason: expect.stringMatching(/^shop-db-1 and shop-db-2 are replicas of one service/) },
      count: 2,
    },
    {
      sentence: 'two services with one name are named both',
      containers: [
        container('a', { ...data, labels: enabled({ name: 'db' }) }),
        container('b', { ...data, labels: enabled({ name: 'db' }) }),
      ],
      problem: {
        container: 'shop-a-1',
        label: 'xnai.backup.name',
        value: 'db',
        suggestion: 'a',
        reason: 'shop-a-1 and shop-b-1 have targets named db in project shop',
      },
      count: 2,
    },
    {
      sentence: 'a path that no mount covers names the mounts',
      containers: [
        container('db', {
          ...data,
          mounts: [volume('data', '/data'), bind('/srv/conf', '/conf', false)],
          labels: enabled({ paths: '/dta,/data' }),
        }),
      ],
      problem: {
        label: 'xnai.backup.paths',
        value: '/dta',
        suggestion: '/data',
        reason:
          'no mount covers /dta; the mounts of shop-db-1: /conf (bind of /srv/conf, read-only), /data (volume data)',
      },
    },
    {
      sentence: 'a path in memory is no data to keep',
      containers: [
        container('db', {
          labels: enabled({ paths: '/run/x' }),
          mounts: [{ kind: 'other', source: '', destination: '/run', writable: true }],
        }),
      ],
      problem: { value: '/run/x', reason: expect.stringContaining('/run/x is in /run, which has no path on the host') },
    },
    {
      sentence: 'a socket is no data to keep',
      containers: [
        container('db', {
          labels: enabled({ paths: '/run/docker.sock' }),
          mounts: [{ ...bind('/run/docker.sock', '/run/docker.sock'), kind: 'other', special: 'socket' }],
        }),
      ],
      problem: {
        value: '/run/docker.sock',
        reason: '/run/docker.sock is a socket; the mounts of shop-db-1: /run/docker.sock (socket /run/docker.sock)',
      },
    },
    {
      sentence: 'files without any writable mount have nothing to capture',
      containers: [container('db', { labels: enabled(), mounts: [volume('data', '/data', false)] })],
      problem: { label: 'xnai.backup.paths', reason: expect.stringContaining('there is nothing to capture') },
    },
    {
      sentence: 'a method that this version does not carry',
      containers: [container('db', { ...data, labels: enabled({ method: 'qdrant' }) })],
      problem: {
        label: 'xnai.backup.method',
        value: 'qdrant',
        reason: 'This version does not carry the method; choose another one.',
      },
    },
    {
      sentence: 'the label of a named target carries its name',
      containers: [container('db', { ...data, labels: enabled({ 'target.idx.paths': '/nope' }) })],
      problem: { target: 'idx', label: 'xnai.backup.target.idx.paths', value: '/nope' },
    },
    {
      sentence: 'an unknown client is told with the nearest service',
      containers: [container('db', { ...data, labels: enabled({ clients: 'wep' }) }), container('web')],
      problem: {
        label: 'xnai.backup.clients',
        value: 'wep',
        suggestion: 'web',
        reason: 'no service of project shop is named wep',
      },
    },
    {
      sentence: 'an unknown client of another project is told with the nearest service',
      containers: [
        container('db', { ...data, labels: enabled({ clients: 'other/wep' }) }),
        container('web', { project: 'other' }),
      ],
      problem: { value: 'other/wep', suggestion: 'other/web', reason: 'no service of project other is named wep' },
    },
    {
      sentence: 'on-change has nothing to watch where a method dumps',
      containers: [container('db', { ...data, labels: enabled({ method: 'redis', schedule: 'on-change' }) })],
      problem: { label: 'xnai.backup.schedule', value: 'on-change', suggestion: '@daily' },
    },
    {
      sentence: 'a label problem keeps container and target',
      containers: [container('db', { ...data, labels: enabled({ settle: 'soon' }) })],
      problem: { project: 'shop', container: 'shop-db-1', target: 'db', label: 'xnai.backup.settle', value: 'soon' },
    },
  ]
  test.each(rows)('$sentence', ({ containers, problem, count = 1 }) => {
    const made = plan([...containers, container('other', { ...data })])
    expect(made.targets.map(({ name }) => name)).toEqual(['other'])
    expect(made.broken).toHaveLength(count)
    expect(made.problems).toHaveLength(count)
    expect(made.problems[0]).toMatchObject(problem)
    expect(made.broken.flatMap((broken) => broken.problems)).toEqual(made.problems)
  })

  test('a bad enable label is a problem of its container and nobody else', () => {
    const made = plan([
      container('db', { ...data, labels: { ...enabled(), 'xnai.backup.enable': 'yse' } }),
      container('b', data),
    ])
    expect(made.targets.map(({ name }) => name)).toEqual(['b'])
    expect(made.problems[0]).toMatchObject({ container: 'shop-db-1', label: 'xnai.backup.enable', value: 'yse' })
  })

  test('names may meet again in another project', () => {
    const made = plan([
      container('db', data),
      container('db', { ...data, id: 'x', name: 'other-db-1', project: 'other' }),
    ])
    expect(made.targets).toHaveLength(2)
    expect(made.problems).toEqual([])
  })
})

describe('paths', () => {
  const rows: { sentence: string; mounts: ContainerFacts['mounts']; label?: string; paths: string[] }[] = [
    {
      sentence: 'every writable mount by default, sorted',
      mounts: [volume('b', '/b'), volume('a', '/a'), volume('r', '/r', false)],
      paths: ['/a', '/b'],
    },
    {
      sentence: 'a path inside another is taken once',
      mounts: [volume('a', '/a')],
      label: '/a/x/y,/a,/a/x',
      paths: ['/a'],
    },
    {
      sentence: 'a neighbour with the same beginning is its own',
      mounts: [volume('a', '/a')],
      label: '/a/x,/a/xy',
      paths: ['/a/x', '/a/xy'],
    },
    {
      sentence: 'a mount nested in another is its own data',
      mounts: [volume('a', '/a'), volume('b', '/a/b')],
      paths: ['/a', '/a/b'],
    },
    {
      sentence: 'also below a path that is named',
      mounts: [volume('a', '/a'), volume('b', '/a/b'), volume('r', '/a/r', false)],
      label: '/a',
      paths: ['/a', '/a/b'],
    },
    {
      sentence: 'one volume at two places is taken once',
      mounts: [volume('a', '/one'), volume('a', '/two')],
      paths: ['/one'],
    },
    {
      sentence: 'a bind of a folder inside another bind is taken once',
      mounts: [bind('/srv/app/sub', '/x'), bind('/srv/app', '/y')],
      paths: ['/y'],
    },
    {
      sentence: 'a read-only mount can be captured when named',
      mounts: [bind('/srv/conf', '/conf', false)],
      label: '/conf',
      paths: ['/conf'],
    },
    { sentence: 'a single bound file is a path', mounts: [bind('/srv/.env', '/app/.env')], paths: ['/app/.env'] },
  ]
  test.each(rows)('$sentence', ({ mounts, label, paths }) => {
    const labels = enabled(label === undefined ? {} : { paths: label })
    const made = plan([container('app', { labels, mounts })])
    expect(made.problems).toEqual([])
    expect(made.targets[0]?.paths).toEqual(paths)
  })
})

test('the plan does not hang on the order in which the engine lists containers', () => {
  const mounts = [volume('data', '/data')]
  const all = [
    container('db', { labels: enabled(), mounts }),
    container('api', { dependsOn: ['db'], mounts }),
    container('web', { dependsOn: ['api'], labels: enabled(), mounts }),
    container('bad', { labels: enabled({ schedule: 'x' }) }),
    standalone('job', { mounts, requires: ['id-web'] }),
  ]
  const expected = plan(all)
  expect(expected.targets.map(({ name, quiesced }) => [name, quiesced.length])).toEqual([
    ['db', 4],
    ['web', 4],
  ])
  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
      expect(plan(shuffled)).toEqual(expected)
    }),
  )
})
