import { eventually, type LabContainer, type LabService } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import type { MethodKind } from '../../../src/labels/spec.ts'
import { backedUp, type Story } from '../../support/story.ts'
import * as mongo from '../mongodb/server.ts'
import { awaitReady, chooseSource, startQdrant } from '../qdrant/server.ts'

/** A service that keeps numbers, backed up by one of the methods. */
export interface Subject {
  method: MethodKind
  /** Moments of interrupted.ts in the middle of its restore. */
  moments: string[]
  start(story: Story, options: SubjectOptions): Promise<Service>
}

export interface SubjectOptions extends Partial<Omit<LabService, 'name' | 'volumes'>> {
  name: string
  /** Labels of the target without their prefix. */
  labels?: Record<string, string>
  /** Volume name or path on the host. Default: a volume of the service's name. */
  data?: string
}

/** It runs and answers. */
export interface Service extends LabContainer {
  /** Adds numbers. */
  add(...numbers: number[]): Promise<void>
  /** All numbers that it has, in order. */
  numbers(): Promise<number[]>
  /** What the product made in it and did not take away, a name a line. */
  leftovers(): Promise<string>
}

/** Ends at once when asked to. */
export const idle = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done']

export const redis: Subject = {
  method: 'redis',
  moments: ['replace', 'start'],
  start: async (story, options) => {
    const config = 'dir /data\nbind 0.0.0.0\nprotected-mode no\nsave 3600 1\nrequirepass $REDIS_PASSWORD'
    const container = await run(story, 'redis', '/data', {
      env: { REDIS_PASSWORD: newSecret('redis') },
      command: ['sh', '-c', `cat >/tmp/redis.conf <<END\n${config}\nEND\nexec redis-server /tmp/redis.conf`],
      ...options,
    })
    const client = `REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli`
    const ask = (...commands: string[]) =>
      container.exec(['sh', '-c', `printf '%s\\n' "$@" | ${client}`, 'sh', ...commands])
    return serve(container, {
      add: (numbers) => ask(...numbers.map((n) => `SET ${n} here`)),
      numbers: async () => {
        const answer = await ask('PING', 'KEYS *')
        if (!answer.startsWith('PONG\n')) throw new Error(answer)
        return answer.slice('PONG\n'.length)
      },
      leftovers: () => ourFiles(container, '/data'),
    })
  },
}

export const postgres: Subject = {
  method: 'postgres',
  moments: ['replace'],
  start: async (story, options) => {
    const container = await run(story, 'postgres', '/var/lib/postgresql', {
      env: { POSTGRES_PASSWORD: newSecret('postgres'), POSTGRES_INITDB_ARGS: '--auth-local=scram-sha-256' },
      command: ['svc', 'postgres', '-c', 'fsync=off'],
      ...options,
      labels: { 'postgres.password-env': 'POSTGRES_PASSWORD', ...options.labels },
    })
    const client = 'PGPASSWORD="$POSTGRES_PASSWORD" psql -X -q -A -t -v ON_ERROR_STOP=1 -U postgres -f -'
    const sql = (script: string) => container.exec(['sh', '-c', `printf '%s\\n' "$1" | ${client}`, 'sh', script])
    return serve(container, {
      add: (numbers) => {
        const values = numbers.map((n) => `(${n})`).join()
        return sql(`CREATE TABLE IF NOT EXISTS entry (n int); INSERT INTO entry VALUES ${values};`)
      },
      numbers: () =>
        sql(
          `SELECT to_regclass('entry') IS NOT NULL AS there \\gset\n\\if :there\nSELECT n FROM entry ORDER BY n;\n\\endif`,
        ),
      leftovers: () => sql(`SELECT datname FROM pg_database WHERE datname LIKE 'xnai%'`),
    })
  },
}

export const mongodb: Subject = {
  method: 'mongodb',
  moments: ['replace'],
  start: async (story, { data, labels, ...options }) => {
    const source = await mongo.chooseSource(story.lab)
    const instance = await mongo.startMongodb(story.lab, source, {
      ...options,
      labels: backedUp('mongodb', labels),
      ...(data !== undefined && { data }),
    })
    await mongo.awaitReady(instance)
    const entry = `shop.getCollection('entry')`
    return serve(instance.container, {
      add: (numbers) => instance.shell(`${entry}.insertMany(${JSON.stringify(numbers.map((n) => ({ _id: n })))})`),
      numbers: async () => (await instance.shell(`${entry}.find().forEach(({ _id }) => say(_id))`)).join('\n'),
      leftovers: async () => '',
    })
  },
}

export const victoriametrics: Subject = {
  method: 'victoriametrics',
  moments: ['replace', 'start'],
  start: async (story, options) => {
    const container = await run(story, 'victoriametrics', '/victoria-metrics-data', {
      env: { VM_snapshotAuthKey: newSecret('victoriametrics') },
      command: ['svc', 'victoriametrics', '-envflag.enable', '-envflag.prefix=VM_'],
      ...options,
      labels: { 'victoriametrics.auth-key-env': 'VM_snapshotAuthKey', ...options.labels },
    })
    const ask = (path: string, body: string) =>
      container.exec(['curl', '-sS', '--fail', '--data-binary', body, `http://localhost:8428${path}`])
    const numbers = async () => {
      const lines = (await ask('/api/v1/export', 'match[]=entry')).split('\n').filter((line) => line !== '')
      return lines.map((line) => JSON.parse(line).metric.n).join('\n')
    }
    const snapshots = `curl -sS --fail -d "authKey=$VM_snapshotAuthKey" localhost:8428/snapshot/list`
    return serve(container, {
      numbers,
      leftovers: async () => JSON.parse(await container.exec(['sh', '-c', snapshots])).snapshots.join('\n'),
      add: async (added) => {
        const before = (await numbers()).split('\n').filter((line) => line !== '')
        const at = Date.now() - 3_600_000
        await ask('/api/v1/import/prometheus', added.map((n) => `entry{n="${n}"} 1 ${at}\n`).join(''))
        const all = before.length + added.length
        await eventually(async () => (await numbers()).split('\n').length === all, 60, 'the points are seen')
      },
    })
  },
}

export const qdrant: Subject = {
  method: 'qdrant',
  // Into a trial collection, then over the one that is in use.
  moments: ['replace', 'replace again'],
  start: async (story, { data, labels, ...options }) => {
    const source = await chooseSource(story.lab)
    const instance = await startQdrant(story.lab, source, {
      ...options,
      labels: backedUp('qdrant', { 'start-timeout': '60s', ...labels }),
      ...(data !== undefined && { volumes: [`${data}:/qdrant/snapshots`] }),
    })
    await awaitReady(instance)
    const call = async (method: string, path: string, body?: unknown) =>
      (await (await instance.client()).call(method, path, body)).result
    const isThere = async () => (await call('GET', '/collections')).collections.length > 0
    return serve(instance.container, {
      add: async (numbers) => {
        if (!(await isThere())) await call('PUT', '/collections/entry', { vectors: { size: 2, distance: 'Dot' } })
        const points = numbers.map((n) => ({ id: n, vector: [n, 1], payload: {} }))
        await call('PUT', '/collections/entry/points?wait=true', { points })
      },
      numbers: async () => {
        if (!(await isThere())) return ''
        const { points } = await call('POST', '/collections/entry/points/scroll', { limit: 1000 })
        return points.map(({ id }: { id: number }) => id).join('\n')
      },
      leftovers: async () => {
        const { collections } = await call('GET', '/collections')
        const temporary = collections.filter(({ name }: { name: string }) => name.startsWith('xnai-'))
        return [...(await (await instance.client()).files()), ...temporary].join('\n')
      },
    })
  },
}

export const sqlite: Subject = {
  method: 'sqlite',
  moments: ['replace'],
  start: async (story, options) => {
    const make = `[ -e /data/app.db ] || sqlite3 /data/app.db 'PRAGMA journal_mode=WAL' >/dev/null`
    const container = await run(story, 'sqlite', '/data', {
      command: ['sh', '-c', `${make}; exec "$@"`, 'sh', ...idle],
      ...options,
      labels: { paths: '/data/app.db', ...options.labels },
    })
    const sql = (script: string) => container.exec(['sqlite3', '-bail', '/data/app.db', script])
    return serve(container, {
      add: (numbers) => {
        const values = numbers.map((n) => `(${n})`).join()
        return sql(`CREATE TABLE IF NOT EXISTS entry (n); INSERT INTO entry VALUES ${values}`)
      },
      numbers: async () => {
        const isThere = (await sql('.tables')).includes('entry')
        return isThere ? sql('SELECT n FROM entry ORDER BY n') : ''
      },
      leftovers: () => ourFiles(container, '/data'),
    })
  },
}

export const files: Subject = {
  method: 'files',
  moments: ['replace'],
  start: async (story, options) => {
    const container = await run(story, 'files', '/data', { command: idle, ...options })
    return serve(container, {
      add: (numbers) =>
        container.exec(['sh', '-c', 'cd /data; for n; do echo "$n" >"$n"; done', 'sh', ...numbers.map(String)]),
      numbers: () => container.exec(['sh', '-c', 'cd /data; for file in *; do [ ! -f "$file" ] || cat "$file"; done']),
      leftovers: () => ourFiles(container, '/data'),
    })
  },
}

export const subjects: Subject[] = [redis, postgres, mongodb, qdrant, victoriametrics, sqlite, files]

const ourFiles = ({ exec }: LabContainer, folder: string) => exec(['find', folder, '-name', '*xnai*'])

/** A container of the services image with its data at `place`. */
function run(
  { lab }: Story,
  method: MethodKind,
  place: string,
  { data, labels, ...service }: SubjectOptions,
): Promise<LabContainer> {
  const volumes = [`${data ?? `${lab.project}-${service.name}`}:${place}`]
  return lab.run({ ...service, volumes, labels: backedUp(method, labels) })
}

interface Answers extends Pick<Service, 'leftovers'> {
  add(numbers: number[]): Promise<unknown>
  /** One a line, in any order. */
  numbers(): Promise<string>
}

async function serve(container: LabContainer, { add, numbers, leftovers }: Answers): Promise<Service> {
  const read = async () => {
    const lines = (await numbers()).split('\n').filter((line) => line !== '')
    return lines.map(Number).toSorted((a, b) => a - b)
  }
  await eventually(async () => (await read()) !== undefined, 60, `${container.name} answers`)
  return { ...container, leftovers, add: async (...more) => void (await add(more)), numbers: read }
}
