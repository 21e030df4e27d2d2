import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { eventually, type Lab, type LabContainer, type LabService, servicesImage } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import { type Content, clientOf, oddPath, type QdrantClient } from '../../fakes/qdrant-client.ts'
import { backedUp } from '../../support/story.ts'
import { range, type Subject, serve } from '../shared/subject.ts'

export const apiKey = newSecret('qdrant')

/** What plays Qdrant here. */
export interface Source {
  /** For the name of the test. */
  name: string
  isReal: boolean
  service: Pick<LabService, 'image' | 'command'> & { volumes: string[] }
  /** Makes a collection, by its folder on the host, one with which the server does not start. */
  damageStorage(folder: string): Promise<void>
}

const loseShard = (folder: string) => rm(join(folder, '1'), { recursive: true })

const fakes = join(import.meta.dirname, '../../fakes')

/** The program that XNAI_TEST_QDRANT names, else the official image where it is present, else the contract server. */
export async function chooseSource(lab: Lab): Promise<Source> {
  const program = process.env.XNAI_TEST_QDRANT
  if (program) {
    const volumes = [`${program}:/usr/local/bin/qdrant:ro`]
    const service = {
      image: servicesImage,
      command: ['sh', '-c', 'mkdir -p /qdrant; cd /qdrant; exec qdrant'],
      volumes,
    }
    return { name: 'a real Qdrant (XNAI_TEST_QDRANT)', isReal: true, service, damageStorage: loseShard }
  }
  const images = await lab.podman(['images', '--format', '{{.Repository}}:{{.Tag}}', 'docker.io/qdrant/qdrant'])
  const [image] = images.trim().split('\n')
  if (image) {
    const service = { image, command: [], volumes: [] }
    return { name: `a real Qdrant (${image})`, isReal: true, service, damageStorage: loseShard }
  }
  const volumes = [`${fakes}:/test/fakes:ro`, `${fakes}/../fixtures:/test/fixtures:ro`]
  const service = { image: 'localhost/xnai-base', command: ['node', '/test/fakes/qdrant-main.ts'], volumes }
  return {
    name: 'the contract server',
    isReal: false,
    service,
    damageStorage: (folder) => writeFile(join(folder, 'half'), ''),
  }
}

export interface Instance {
  name: string
  container: LabContainer
  /** The server at its address of now, which a restart may change. */
  client(): Promise<QdrantClient>
}

/** With its storage on a volume of the service's name, so that another container of the name finds it again. */
export async function startQdrant(lab: Lab, source: Source, service: Omit<LabService, 'image'>): Promise<Instance> {
  const storage = `${lab.project}-${service.name}:/qdrant/storage`
  const container = await lab.run({
    ...source.service,
    ...service,
    volumes: [...source.service.volumes, storage, ...(service.volumes ?? [])],
    env: { QDRANT__SERVICE__API_KEY: apiKey, QDRANT__TELEMETRY_DISABLED: 'true', ...service.env },
  })
  const client = async () => {
    const { NetworkSettings } = await lab.inspect(container.name)
    const [address] = Object.values(NetworkSettings.Networks).map(({ IPAddress }) => IPAddress)
    return clientOf(`http://${address}:6333`, apiKey)
  }
  return { name: service.name, container, client }
}

export const awaitReady = ({ name, client }: Instance) =>
  eventually(async () => (await (await client()).call('GET', '/collections')).result, 60, `${name} answers`)

export const labels = (more: Record<string, string> = {}) => backedUp('qdrant', { 'start-timeout': '60s', ...more })

export const contentOf = async ({ client }: Instance): Promise<Content> => (await client()).content()

/** Points gone and changed, an alias led elsewhere, other vector parameters under a known name, a new collection. */
export async function damage({ client }: Instance): Promise<void> {
  const { call, alias } = await client()
  const gone = Array.from({ length: 300 }, (_, n) => n * 3)
  const changed = { id: 1, vector: { text: [9, 9, 9, 9] }, payload: { city: 'Rom' } }
  await call('POST', '/collections/docs/points/delete?wait=true', { points: gone })
  await call('PUT', '/collections/docs/points?wait=true', { points: [changed] })
  await call('DELETE', oddPath)
  await call('PUT', oddPath, { vectors: { size: 8, distance: 'Cosine' } })
  await alias('current', 'My notes ü')
  await call('PUT', '/collections/newer', { vectors: { size: 2, distance: 'Dot' } })
}

/** Neither a snapshot file nor a temporary collection of the product is on the server. */
export async function expectNothingLeft({ client }: Instance): Promise<void> {
  const now = await client()
  expect(await now.files()).toEqual([])
  const { collections } = (await now.call('GET', '/collections')).result
  expect(collections.filter(({ name }: { name: string }) => name.startsWith('xnai-'))).toEqual([])
}

export const subject: Subject = {
  method: 'qdrant',
  drill: {
    short: [/^restore: in a trial restore, points of entry: expected 3, found 2;/, 'facts'],
    words: 'collections.json',
  },
  // Into a trial collection, then over the one that is in use.
  moments: ['replace', 'replace again'],
  fullDisk: {
    size: 20,
    left: 0,
    isReadable: false,
    hint: /--no-safety/,
    load: (service) => service.add(...range(1000)),
  },
  start: async (story, { data, labels: more, ...options }) => {
    const source = await chooseSource(story.lab)
    const instance = await startQdrant(story.lab, source, {
      ...options,
      labels: labels(more),
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
        const { points } = await call('POST', '/collections/entry/points/scroll', { limit: 2000 })
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
