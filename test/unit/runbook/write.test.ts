import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import type { ContainerFacts } from '../../../src/engine/engine.ts'
import { methods } from '../../../src/methods/index.ts'
import { makePlan } from '../../../src/plan/make-plan.ts'
import type { Snapshot } from '../../../src/repository/repository.ts'
import { quote } from '../../../src/runbook/quote.ts'
import { writeRunbook } from '../../../src/runbook/write.ts'
import { fakeEngine } from '../../fakes/engine.ts'
import { container, snapshot, volume } from '../../support/cli.ts'
import { shellBlocks } from '../../support/shell-blocks.ts'
import { settings } from '../plan/build.ts'

const labels = (method: string, more: Record<string, string> = {}) =>
  Object.fromEntries(
    Object.entries({ enable: 'true', method, ...more }).map(([key, value]) => [`xnai.backup.${key}`, value]),
  )

const artifact = (name: string, more = {}) => ({ kind: 'stream' as const, name, bytes: 1, stored: {}, ...more })
const tree = (name: string, origin: string, more = {}) => artifact(name, { kind: 'tree', origin, ...more })

/** A target of each method, as its snapshots describe it. */
const stack = [
  container('files', { labels: labels('files', { exclude: 'cache/**' }), mounts: [volume('shop_files', '/srv')] }),
  container('app', {
    labels: labels('sqlite', { paths: '/data/app.db' }),
    mounts: [volume('shop_app', '/data')],
    environment: { API_KEY: 'hunter2' },
  }),
  container('redis', { labels: labels('redis'), mounts: [volume('shop_redis', '/data')] }),
  container('postgres', { labels: labels('postgres'), environment: { POSTGRES_PASSWORD: 'hunter2' } }),
  container('mariadb', { labels: labels('mariadb'), environment: { MARIADB_ROOT_PASSWORD: 'hunter2' } }),
  container('mongodb', { labels: labels('mongodb'), environment: { MONGO_INITDB_ROOT_PASSWORD: 'hunter2' } }),
  container('qdrant', { labels: labels('qdrant'), environment: { QDRANT_API_KEY: 'hunter2' } }),
  container('victoria', { labels: labels('victoriametrics'), mounts: [volume('shop_victoria', '/storage')] }),
  container('web', { dependsOn: ['postgres', 'redis'] }),
]

const held: Record<string, Partial<Snapshot>> = {
  files: { artifacts: [tree('srv', '/srv', { exclude: ['cache/**'] })] },
  app: { artifacts: [artifact('app.db')], facts: { paths: { 'app.db': '/data/app.db' } } },
  redis: {
    artifacts: [artifact('dump.rdb')],
    facts: { dir: '/data', dbfilename: 'dump.rdb', appendonly: 'yes', appendfilename: 'a.aof', appenddirname: 'aof' },
  },
  postgres: { artifacts: ['cluster.json', 'globals.sql', 'shop.dump'].map((name) => artifact(name)) },
  mariadb: { artifacts: ['accounts.sql', 'databases.sql'].map((name) => artifact(name)) },
  mongodb: { artifacts: [artifact('mongodb.archive')] },
  qdrant: { artifacts: [artifact('1-docs.snapshot'), artifact('inventory.json')] },
  victoria: { artifacts: [tree('storage', '/storage')] },
}

async function runbookOf(containers: Parameters<typeof container>[1][], restic = false): Promise<string> {
  const engine = fakeEngine({ containers: containers as never })
  const listed: ContainerFacts[] = await engine.list(new AbortController().signal)
  const { targets, problems } = makePlan(listed, settings, methods)
  expect(problems).toEqual([])
  return writeRunbook({
    time: '2026-11-20T12:00:00.000Z',
    controllers: ['xnai-backup'],
    engine: 'podman',
    repository: restic
      ? { kind: 'restic', address: 's3:host/bucket', isElsewhere: true }
      : { kind: 'archive', folder: '/srv/my backups' },
    chapters: targets.map((target) => ({
      target,
      newest: snapshot(target.name, '2026-11-20T02:00:00.000Z', held[target.name] ?? {}),
    })),
  })
}

test.each([false, true])(
  'every block for every method is shell, and no secret is in it (restic: %s)',
  async (restic) => {
    const page = await runbookOf(stack, restic)
    expect(page).not.toContain('hunter2')
    const blocks = shellBlocks(page)
    expect(blocks.map(({ heading }) => heading)).toEqual([
      'Once, at the start',
      ...['files', 'app', 'redis', 'postgres', 'mariadb', 'mongodb', 'qdrant', 'victoria']
        .map((name) => `shop/${name}`)
        .toSorted(),
      'At the end',
    ])
    for (const { script } of blocks) execFileSync('bash', ['-n'], { input: script })
  },
)

test('a block stops clients before writers, loads a server that runs, and starts what it stopped in reverse', async () => {
  const blocks = new Map(shellBlocks(await runbookOf(stack)).map(({ heading, script }) => [heading, script]))
  const acts = (name: string) => blocks.get(`shop/${name}`)?.match(/^podman (?:stop|start) .*/gm)
  expect(acts('redis')).toEqual(
    ['stop shop-web-1', 'stop shop-redis-1', 'start shop-redis-1', 'start shop-web-1'].map((line) => `podman ${line}`),
  )
  expect(acts('postgres')).toEqual(['podman stop shop-web-1', 'podman start shop-web-1'])
  expect(blocks.get('shop/files')).not.toContain('-delete')
  expect(blocks.get('shop/victoria')).toContain('-delete')
  expect(blocks.get('shop/redis')).toContain("'file a.aof.1.base.rdb seq 1 type b'")
})

test.each(['plain/path', "it's", 'a b', '$(touch /tmp/x)', '`id`', 'line\nbreak', "```\n'", 'tail\\', 'ä €'])(
  'the word %j means itself in a shell, and ends no block',
  (text) => {
    expect(execFileSync('bash', ['-c', `printf %s ${quote(text)}`]).toString()).toBe(text)
    expect(quote(text)).not.toMatch(/[`\n]/)
  },
)

test('a target without a backup says so', async () => {
  const page = await runbookOf([container('files', { labels: labels('files'), mounts: [volume('f', '/srv')] })])
  expect(page).toContain('shop/files')
  const { targets } = makePlan(
    await fakeEngine({ containers: stack }).list(new AbortController().signal),
    settings,
    methods,
  )
  const none = writeRunbook({
    time: '',
    controllers: [],
    engine: 'podman',
    repository: { kind: 'archive', folder: '/b' },
    chapters: targets.slice(0, 1).map((target) => ({ target, newest: undefined })),
  })
  expect(none).toContain('No backup of it was there')
})
