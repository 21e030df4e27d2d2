import { join } from 'node:path'
import { eventually, type Lab, type LabContainer, type LabService, servicesImage } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import { backedUp } from '../../support/story.ts'
import { type Subject, serve } from '../shared/subject.ts'

export const password = newSecret(`it's "mongodb" \\`)

/** What plays MongoDB and its tools here. */
export interface Source {
  /** For the name of the test. */
  name: string
  /** A server that keeps more than numbered documents. */
  isReal: boolean
  /** The image, and how a container of it runs a command. */
  service: Pick<LabService, 'image' | 'env' | 'volumes'>
  call(command: string[]): string[]
  server: string[]
}

const folders = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const standIns = ['mongod', 'mongosh', 'mongodump', 'mongorestore']

/**
 * The folder of programs that XNAI_TEST_MONGODB names, else the official image where it is present, else the
 * stand-ins.
 */
export async function chooseSource(lab: Lab): Promise<Source> {
  const folder = process.env.XNAI_TEST_MONGODB
  if (folder) {
    return {
      name: 'the programs of XNAI_TEST_MONGODB',
      isReal: true,
      service: {
        image: servicesImage,
        env: { PATH: `/opt/mongodb:${folders}` },
        volumes: [`${folder}:/opt/mongodb:ro`],
      },
      call: after('mkdir -p /data/db'),
      server: ['mongod', '--auth', '--bind_ip_all'],
    }
  }
  const images = await lab.podman(['images', '--format', '{{.Repository}}:{{.Tag}}', 'docker.io/library/mongo'])
  const [image] = images.trim().split('\n')
  if (image) return { name: image, isReal: true, service: { image }, call: (command) => command, server: ['mongod'] }
  const make = `printf '#!/bin/sh\nexec node /test/fakes/mongodb/main.ts %s "$@"\n' $tool >$tool; chmod 755 $tool`
  const volumes = ['src', 'test/fakes'].map((path) => `${join(import.meta.dirname, '../../..', path)}:/${path}:ro`)
  return {
    name: 'stand-ins of the server and its tools',
    isReal: false,
    service: { image: 'localhost/xnai-base', volumes, env: { NODE_COMPILE_CACHE: '/tmp/compiled' } },
    call: after(`cd /usr/local/bin; for tool in ${standIns.join(' ')}; do ${make}; done`),
    server: ['mongod'],
  }
}

const after = (script: string) => (command: string[]) => ['sh', '-c', `${script}; exec "$@"`, 'sh', ...command]

export interface Instance {
  container: LabContainer
  /** What a script prints by `say(value)`; it has `client`, the administrator's connection, and `shop`, a database. */
  shell<T>(script: string): Promise<T[]>
}

/**
 * With its data on a volume of the service's name, or at `data`, so that another container of the name finds it again.
 */
export async function startMongodb(
  lab: Lab,
  { service, call, server }: Source,
  { data, ...more }: Partial<LabService> & { name: string; data?: string },
): Promise<Instance> {
  const container = await lab.run({
    ...service,
    ...more,
    command: call(more.command ?? server),
    volumes: [...(service.volumes ?? []), `${data ?? `${lab.project}-${more.name}`}:/data/db`],
    env: { ...service.env, MONGO_INITDB_ROOT_USERNAME: 'root', MONGO_INITDB_ROOT_PASSWORD: password, ...more.env },
  })
  const shell = async <T>(script: string): Promise<T[]> => {
    const printed = await container.exec(mongoCommand(script))
    return printed
      .split('\n')
      .filter((line) => line.startsWith(mark))
      .map((line) => JSON.parse(line.slice(mark.length)))
  }
  return { container, shell }
}

/** For a container that runs MongoDB, see `Instance.shell`. */
export const mongoCommand = (script: string): string[] => {
  const options = ['--nodb', '--norc', '--quiet', '--eval']
  return ['mongosh', ...options, prelude + script]
}

export const awaitReady = ({ container, shell }: Instance): Promise<unknown> =>
  eventually(async () => (await shell<number>('say(1)')).length === 1, 60, `${container.name} answers`)

/** The shell prints the last value too. */
const mark = 'said '

/** A server that was started by hand has no account yet. */
const prelude = `const client = new Mongo('mongodb://127.0.0.1:27017/?directConnection=true');
const { MONGO_INITDB_ROOT_USERNAME: user, MONGO_INITDB_ROOT_PASSWORD: pwd } = process.env;
try { client.getDB('admin').auth(user, pwd) } catch { client.getDB('admin').createUser({ user, pwd, roles: ['root'] }) }
const shop = client.getDB('shop');
const say = (value) => print('${mark}' + JSON.stringify(value));
`

/** A few large documents, as a script of the shell. */
const large = "[10, 11, 12, 13].map((_id) => ({ _id, text: 'x'.repeat(1000000) }))"

export const subject: Subject = {
  method: 'mongodb',
  drill: {
    other: ['shop: collections', 'shop: collections of entry', 'shop: documents', 'shop: documents of entry'],
  },
  moments: ['replace'],
  fullDisk: {
    size: 40,
    left: 1,
    isReadable: true,
    hint: /MongoDB/,
    load: (service) => service.exec(mongoCommand(`shop.getCollection('entry').insertMany(${large})`)),
    lose: (service) => service.exec(mongoCommand(`shop.getCollection('entry').drop()`)),
  },
  start: async (story, { data, labels, ...options }) => {
    const source = await chooseSource(story.lab)
    const instance = await startMongodb(story.lab, source, {
      ...options,
      labels: backedUp('mongodb', labels),
      ...(data !== undefined && { data }),
    })
    await awaitReady(instance)
    const entry = `shop.getCollection('entry')`
    return serve(instance.container, {
      add: (numbers) => instance.shell(`${entry}.insertMany(${JSON.stringify(numbers.map((n) => ({ _id: n })))})`),
      numbers: async () => (await instance.shell(`${entry}.find().forEach(({ _id }) => say(_id))`)).join('\n'),
      leftovers: async () => '',
    })
  },
}
