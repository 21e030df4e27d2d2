import { globSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, type LabContainer, type LabService } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import { backedUp, type Story } from '../../support/story.ts'
import { range, runSubject, type Service, type Subject, serve } from '../shared/subject.ts'

export const key = newSecret('victoriametrics')
/** Where the server keeps its data, in its container. */
export const place = '/victoria-metrics-data'

export interface Instance {
  name: string
  container: LabContainer
  /** Body of the answer; the server is asked from within its container. */
  ask(path: string, body?: string): Promise<string>
  /** Values of `counter`, oldest first. */
  values(): Promise<number[]>
  snapshots(): Promise<string[]>
}

export interface MetricsService extends Omit<LabService, 'command'> {
  flags?: string[]
  /** Path prefix of its HTTP server. */
  prefix?: string
  /** It speaks TLS with the certificate at /tls, and wants the login of `guard`. */
  guarded?: boolean
}

const login = newSecret('victoriametrics-login')
/** The server reads its flags from the environment, too. */
export const guard = { VM_httpAuth_username: 'backup', VM_httpAuth_password: login }
const guardFlags = ['-envflag.enable', '-envflag.prefix=VM_', '-tls', '-tlsCertFile=/tls/cert', '-tlsKeyFile=/tls/key']
const guardCurl = 'curl -sSk -u "backup:$VM_httpAuth_password" --data-binary "$1" "https://$2"'

/** Writes out at once what it has in memory, for which a backup waits; the default is 5 seconds. */
const flushSoon = '-inmemoryDataFlushInterval=1s'

export async function startMetrics({ lab }: Story, service: MetricsService): Promise<Instance> {
  const { flags = [], prefix = '', guarded = false, ...rest } = service
  const volumes = rest.volumes ?? [`${lab.project}-${rest.name}:${place}`]
  const container = await lab.run({
    ...rest,
    volumes,
    command: ['svc', 'victoriametrics', flushSoon, ...(guarded ? guardFlags : []), ...flags],
  })
  const base = `localhost:8428${prefix}`
  const curl = guarded ? ['sh', '-c', guardCurl, 'sh'] : ['curl', '-sS', '--data-binary']
  const ask = (path: string, body = '') => container.exec([...curl, body, base + path])
  await eventually(() => ask('/health'), 60, `${rest.name} answers`)
  return {
    name: rest.name,
    container,
    ask,
    values: async () => {
      const text = await ask('/api/v1/export', `match[]=counter`)
      return text === '' ? [] : JSON.parse(text).values
    },
    snapshots: async () => JSON.parse(await ask('/snapshot/list', `authKey=${key}`)).snapshots,
  }
}

export const keyLabel = { 'victoriametrics.auth-key-env': 'VM_snapshotAuthKey' }
export const labels = (more: Record<string, string> = {}) => backedUp('victoriametrics', more)
/** The server reads its flags from the environment too: so no command line names the key. */
export const keyed = { env: { VM_snapshotAuthKey: key }, flags: ['-envflag.enable', '-envflag.prefix=VM_'] }

/** Points `from` to `to` of `counter`, a second apart an hour ago, all in one request; and as many series. */
export async function write(instance: Instance, from: number, to: number): Promise<void> {
  const begin = Date.now() - 3_600_000
  const lines = Array.from({ length: to - from + 1 }, (_, index) => from + index).flatMap((n) => [
    `counter ${n} ${begin + n * 1000}`,
    `wide{n="${n}"} ${n} ${begin + n * 1000}`,
  ])
  await instance.ask('/api/v1/import/prometheus', `${lines.join('\n')}\n`)
  await eventually(async () => (await instance.values()).length >= to, 60, `${to} points are seen`)
}

/** The integers from 1 to `count`. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

export const subject: Subject = {
  method: 'victoriametrics',
  drill: { other: [/^restore: .*storage\.tar\.zst: its content is not what was backed up$/, 'facts'] },
  moments: ['replace', 'start'],
  fullDisk: {
    size: 40,
    // Less than it needs to take anything in.
    left: 5,
    isReadable: false,
    hint: /--no-safety/,
    load: (service) => service.add(...range(100)),
    notice: (service) => eventually(() => hasNoticed(service), 60, 'the server looks at its disk'),
  },
  damage: async (data) => {
    for (const parts of globSync(join(data, '**/parts.json'))) await writeFile(parts, 'torn')
  },
  start: async (story, options) => {
    const container = await runSubject(story, 'victoriametrics', place, {
      env: keyed.env,
      command: ['svc', 'victoriametrics', flushSoon, ...keyed.flags],
      ...options,
      labels: { ...keyLabel, ...options.labels },
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

/** The server knows the free space of its disk as of some seconds ago. */
async function hasNoticed(service: Service): Promise<boolean> {
  const metrics = await service.exec(['curl', '-sS', 'localhost:8428/metrics'])
  return Number(/^vm_free_disk_space_bytes\{.*\} (\S+)$/m.exec(metrics)?.[1]) < 10_000_000
}
