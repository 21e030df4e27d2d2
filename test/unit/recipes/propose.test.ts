import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { renderOverride } from '../../../src/cli/render/override.ts'
import type { ContainerFacts } from '../../../src/engine/engine.ts'
import { toFacts } from '../../../src/engine/facts.ts'
import { decodeLabels } from '../../../src/labels/decode.ts'
import { applications } from '../../../src/recipes/applications/index.ts'
import type { Evidence } from '../../../src/recipes/evidence.ts'
import { exampleOf } from '../../../src/recipes/example.ts'
import { imageName } from '../../../src/recipes/image-name.ts'
import { propose } from '../../../src/recipes/propose.ts'

interface Seen {
  image: string
  /** Volumes by their place in the container. */
  volumes?: string[]
  ports?: number[]
  variables?: string[]
  dependsOn?: string[]
}

/** What Podman 4.3.1 answered for a container of docker compose, with what matters here in place of what was recorded. */
function recorded(
  service: string,
  { image, volumes = [], ports = [], variables = [], dependsOn = [] }: Seen,
): ContainerFacts {
  const { docker, libpod } = JSON.parse(
    readFileSync(new URL('../../fixtures/inspect/docker-compose.json', import.meta.url), 'utf8'),
  )
  const { Labels } = docker.Config
  const inspect = {
    ...docker,
    Id: service,
    Name: `/shop-${service}-1`,
    HostConfig: { ...docker.HostConfig, Tmpfs: null },
    Config: {
      ...docker.Config,
      Image: image,
      Env: variables,
      ExposedPorts: Object.fromEntries(ports.map((port) => [`${port}/tcp`, {}])),
      Labels: {
        ...Object.fromEntries(Object.entries(Labels).filter(([key]) => !key.startsWith('xnai.'))),
        'com.docker.compose.service': service,
        'com.docker.compose.depends_on': dependsOn.map((name) => `${name}:service_started:false`).join(','),
      },
    },
    Mounts: volumes.map((destination) => ({
      Type: 'volume',
      Name: `shop_${service}${destination.replaceAll('/', '-')}`,
      Source: `/var/lib/containers/storage/volumes/shop_${service}${destination.replaceAll('/', '-')}/_data`,
      Destination: destination,
      RW: true,
    })),
  }
  return toFacts(inspect, libpod)
}

const nothing: Evidence = { servers: [], databases: [], indexes: [], unseen: [] }

function labelsOf(containers: ContainerFacts[], evidence: Record<string, Partial<Evidence>> = {}) {
  const found = new Map(containers.map(({ id }) => [id, { ...nothing, ...evidence[id] }]))
  const { proposals, left } = propose(containers, found)
  const short = proposals.map(({ service, labels }) => [
    service,
    Object.fromEntries(Object.entries(labels).map(([key, value]) => [key.replace('xnai.backup.', ''), value])),
  ])
  return { ...Object.fromEntries(short), left: left.map(({ container }) => container) }
}

describe('a server is recognised', () => {
  test.for([
    ['docker.io/library/postgres:17', 'postgres'],
    ['postgres', 'postgres'],
    ['ghcr.io/immich-app/postgres:14-vectorchord0.4.3@sha256:abc', 'postgres'],
    ['localhost/timescale/timescaledb-ha:pg17', 'postgres'],
    ['registry.example:5000/mirror/pgvector:pg16', 'postgres'],
    ['docker.io/valkey/valkey:8', 'redis'],
    ['lscr.io/linuxserver/mariadb:11', 'mariadb'],
    ['docker.io/library/mysql:8', 'mariadb'],
    ['docker.io/library/mongo:7', 'mongodb'],
    ['docker.io/qdrant/qdrant:v1.13.1', 'qdrant'],
    ['docker.io/victoriametrics/victoria-metrics:v1.112.0', 'victoriametrics'],
  ] as const)('by its image %s', ([image, method]) => {
    expect(labelsOf([recorded('it', { image, volumes: ['/data'] })])).toEqual({
      it: { enable: 'true', method },
      left: [],
    })
  })

  test('by the port that it exposes, where its files say the same or cannot be seen', () => {
    const one = recorded('broker', { image: 'localhost/built-here', volumes: ['/data'], ports: [6379] })
    expect(labelsOf([one], { broker: { servers: [{ method: 'redis', path: '/data' }] } }).broker.method).toBe('redis')
    expect(labelsOf([one], { broker: { unseen: ['/data'] } }).broker.method).toBe('redis')
    // An exporter or a proxy exposes the port of the server that it speaks to.
    expect(labelsOf([one]).broker).toEqual({ enable: 'true', method: 'files', paths: '/data' })
  })

  test('by the files in its mounts alone', () => {
    const one = recorded('store', { image: 'localhost/built-here', volumes: ['/srv'] })
    expect(labelsOf([one], { store: { servers: [{ method: 'mariadb', path: '/srv' }] } }).store.method).toBe('mariadb')
  })

  test('and an exporter by no name that only contains that of a server', () => {
    const one = recorded('exporter', { image: 'docker.io/oliver006/redis_exporter:v1' })
    expect(labelsOf([one])).toEqual({ left: ['shop-exporter-1'] })
  })
})

test('the name of an image is read without registry, tag and digest', () => {
  const names = [
    'docker.io/library/redis:8',
    'localhost/x/y',
    'localhost:5000/y:1',
    'grafana/grafana',
    'ghcr.io/a/b@sha256:1',
  ]
  expect(names.map(imageName)).toEqual(['library/redis', 'x/y', 'y', 'grafana/grafana', 'a/b'])
})

describe('an application', () => {
  test('is captured in one moment with its database, while its workers are held', () => {
    const stack = [
      recorded('db', { image: 'docker.io/library/mariadb:11', volumes: ['/var/lib/mysql'] }),
      recorded('cache', { image: 'docker.io/library/redis:8', volumes: ['/data'] }),
      recorded('app', {
        image: 'docker.io/library/nextcloud:30',
        volumes: ['/var/www/html'],
        dependsOn: ['db', 'cache'],
      }),
      recorded('cron', { image: 'docker.io/library/nextcloud:30', volumes: [] }),
    ]
    expect(labelsOf(stack)).toEqual({
      db: { enable: 'true', method: 'mariadb', group: 'nextcloud' },
      app: { enable: 'true', method: 'files', paths: '/var/www/html', group: 'nextcloud' },
      cron: { 'group-writer': 'nextcloud' },
      cache: { enable: 'false' },
      left: [],
    })
  })

  test('on SQLite has its database copied by SQLite, and the rest as files', () => {
    const one = recorded('vaultwarden', { image: 'ghcr.io/dani-garcia/vaultwarden:latest', volumes: ['/data'] })
    expect(labelsOf([one], { vaultwarden: { databases: ['/data/db.sqlite3'] } }).vaultwarden).toEqual({
      enable: 'true',
      'target.vaultwarden.method': 'files',
      'target.vaultwarden.paths': '/data',
      'target.vaultwarden.exclude': 'db.sqlite3*,icon_cache/**',
      'target.vaultwarden-sqlite.method': 'sqlite',
      'target.vaultwarden-sqlite.paths': '/data/db.sqlite3',
    })
  })

  test('whose SQLite file is not there keeps its folder alone', () => {
    const one = recorded('n8n', { image: 'docker.io/n8nio/n8n', volumes: ['/home/node/.n8n'] })
    expect(labelsOf([one]).n8n).toEqual({ enable: 'true', method: 'files', paths: '/home/node/.n8n' })
  })

  test('whose usual paths are on no mount is judged by its mounts', () => {
    const one = recorded('wiki', { image: 'docker.io/outlinewiki/outline', volumes: ['/elsewhere'] })
    expect(labelsOf([one]).wiki).toEqual({ enable: 'true', method: 'files', paths: '/elsewhere' })
  })
})

describe('a container that no table knows', () => {
  test('has a FAISS index on change, an SQLite file by SQLite, and the rest as files', () => {
    const one = recorded('rag', { image: 'localhost/rag', volumes: ['/app/data'] })
    const seen = { indexes: ['/app/data/faiss_index'], databases: ['/app/data/iam.db'] }
    expect(labelsOf([one], { rag: seen }).rag).toEqual({
      enable: 'true',
      'target.rag.method': 'files',
      'target.rag.paths': '/app/data',
      'target.rag.exclude': 'faiss_index/**,iam.db*',
      'target.rag-faiss.method': 'files',
      'target.rag-faiss.paths': '/app/data/faiss_index',
      'target.rag-faiss.schedule': 'on-change',
      'target.rag-faiss.settle': '5m',
      'target.rag-sqlite.method': 'sqlite',
      'target.rag-sqlite.paths': '/app/data/iam.db',
    })
  })

  test('gets no labels for a volume that another service has them for, nor for caches and folders of the machine', () => {
    const app = recorded('app', { image: 'localhost/app', volumes: ['/srv', '/var/cache/app'] })
    const worker = { ...recorded('worker', { image: 'localhost/worker' }), mounts: [...app.mounts] }
    const host = { kind: 'bind' as const, source: '/sys', destination: '/host/sys', writable: true }
    const monitor = { ...recorded('monitor', { image: 'localhost/monitor' }), mounts: [host] }
    expect(labelsOf([app, worker, monitor])).toEqual({
      app: { enable: 'true', method: 'files', paths: '/srv' },
      left: ['shop-monitor-1', 'shop-worker-1'],
    })
  })
})

test('no value of a variable gets into an override, and the variable of a password is named', () => {
  const variables = ['VALKEY_PASSWORD=hunter2', 'POSTGRES_PASSWORD=hunter2', 'TOKEN=hunter2']
  const stack = [
    recorded('valkey', { image: 'docker.io/valkey/valkey:8', volumes: ['/data'], variables }),
    recorded('db', { image: 'docker.io/library/postgres:17', volumes: ['/data'], variables }),
    recorded('app', { image: 'localhost/app', volumes: ['/data'], variables }),
  ]
  expect(labelsOf(stack).valkey).toMatchObject({ 'redis.password-env': 'VALKEY_PASSWORD' })
  expect(renderOverride(propose(stack, new Map()), 'shop')).not.toContain('hunter2')
})

describe.each(applications.map((one) => [one.name, one] as const))('the recipe of %s', (_, application) => {
  test('has labels without problems, on the services that its stack is made of', () => {
    const { containers, evidence } = exampleOf(application)
    const proposed = propose(containers, evidence)
    const text = renderOverride(proposed, undefined)
    const { services } = parse(text) as { services: Record<string, { labels: Record<string, string> }> }
    for (const { labels } of Object.values(services))
      expect(decodeLabels(labels)).toMatchObject({ broken: [], problems: [] })
    const targets = Object.values(services).flatMap(({ labels }) => decodeLabels(labels).targets)
    expect(targets.length).toBeGreaterThan(0)
    const groups = new Set(targets.map(({ group }) => group))
    expect(groups.size, text).toBe(1)
  })
})
