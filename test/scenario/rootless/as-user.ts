/**
 * Run by an ordinary user with a rootless Podman of its own (scripts/rootless.sh): the example stack with its controller, and beside it what
 * only rootless stacks know, is backed up, destroyed and restored: everything by `podman exec` in the controller's container, then what
 * stands beside by the command line under `podman unshare`. Prints what was seen as one JSON document, for rootless.test.ts to judge.
 */
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { prelude, type Subject, subjects } from '../../../scripts/demo/services.ts'
import { attachLab, eventually, type LabContainer } from '../../support/lab.ts'
import { makeStack, type Stack } from '../../support/stack.ts'
import { backedUp, states } from '../../support/story.ts'

const runFile = promisify(execFile)
const environment = { ...(process.env as Record<string, string>), XNAI_BACKUP_NAME: 'rootless-backup' }
const folder = mkdtempSync(join(homedir(), 'story-'))
const lab = attachLab(environment, 'rootless', folder)
const main = join(import.meta.dirname, '../../../src/main.ts')

/** The data of one target. */
interface Item {
  name: string
  fill(): Promise<unknown>
  /** What its service shows of it, owners and modes as it sees them itself. */
  look(): Promise<string>
  destroy(): Promise<unknown>
}

/** What was seen of each target, by its name. */
type Looks = Record<string, string>

/** One road through backup, destruction and restore. */
export interface Journey {
  before: Looks
  destroyed: Looks
  after: Looks
  // biome-ignore lint/suspicious/noExplicitAny: documents of the contract
  backup: any
  // biome-ignore lint/suspicious/noExplicitAny: documents of the contract
  restore: any
  /** Of every container, before and after. */
  states: [Record<string, string>, Record<string, string>]
}

export interface Report {
  controller: Journey
  unshared: Journey
  /** What the command line says to a user who forgot `podman unshare`. */
  hint: string
  userId: number | undefined
}

try {
  console.log(JSON.stringify(await tell()))
} finally {
  await lab.podman(['rm', '--force', '--all', '--time', '0'])
  await lab.podman(['volume', 'prune', '--force'])
  await lab.podman(['unshare', 'rm', '-rf', folder])
}

async function tell(): Promise<Report> {
  const stack = await makeStack(lab)
  const beside = await startBeside()
  await stack.up()
  const everything = [...subjects.map((subject) => itemOf(stack, subject)), ...beside]
  const controller = await journey(everything, ['--all'], async (args) => (await stack.call(args)).json)

  // The engine comes from DOCKER_HOST: with CONTAINER_HOST podman itself is a remote client, which has no unshare.
  const env = {
    ...environment,
    XNAI_BACKUP_PROJECT: lab.project,
    XNAI_BACKUP_LOCAL: `archive:${join(folder, 'backups')}`,
    XNAI_BACKUP_STATE: join(folder, 'state'),
  }
  mkdirSync(join(folder, 'backups'))
  const plain = await runFile(process.execPath, [main, 'backup', 'db'], { env }).catch((error) => error)
  await lab.podman(['unshare', 'rm', '-rf', join(folder, 'state')])
  const names = beside.map(({ name }) => name)
  const unshared = await journey(beside, names, (args) =>
    document('podman', ['unshare', process.execPath, main, ...args, '--json'], env),
  )
  return { controller, unshared, hint: plain.stderr, userId: process.getuid?.() }
}

async function journey(
  items: Item[],
  targets: string[],
  product: (args: string[]) => Promise<unknown>,
): Promise<Journey> {
  for (const item of items) await item.fill()
  const before = await lookAt(items)
  const running = await states(lab)
  const backup = await product(['backup', ...targets])
  for (const item of items) await item.destroy()
  const destroyed = await lookAt(items)
  const restore = await product(['restore', ...targets, '--yes'])
  return { before, destroyed, after: await lookAt(items), backup, restore, states: [running, await states(lab)] }
}

async function lookAt(items: Item[]): Promise<Looks> {
  const looks: Looks = {}
  for (const { name, look } of items) looks[name] = await look().catch(() => 'nothing')
  return looks
}

/** A target of the demonstration's stack. Files on the host are their services' only in the user's own namespace. */
function itemOf(stack: Stack, { name, service, fill, digest, destroy }: Subject): Item {
  const onHost = async (script: string) =>
    (await runFile('podman', ['unshare', 'sh', '-ec', script], { cwd: stack.folder })).stdout
  const run = (script: string) => (service ? stack.shell(service, `${prelude}\n${script}`) : onHost(script))
  return { name, fill: () => run(fill), look: () => run(digest), destroy: () => run(destroy) }
}

/** A service with a user of its own in a folder of the host, a database, and a namespace that keeps the user's id. */
async function startBeside(): Promise<Item[]> {
  for (const name of ['cache', 'notes']) mkdirSync(join(folder, name))
  const cache = await lab.run({
    name: 'cache',
    command: ['svc', 'redis', '--save', '60', '1'],
    user: '1000:1000',
    volumes: [`${join(folder, 'cache')}:/data:U`],
    labels: backedUp('redis'),
  })
  const db = await lab.run({
    name: 'db',
    command: ['svc', 'postgres'],
    volumes: ['db:/var/lib/postgresql'],
    labels: backedUp('postgres'),
  })
  const notes = await lab.run({
    name: 'notes',
    command: ['sh', '-c', 'trap "exit 0" TERM; sleep infinity & wait'],
    volumes: [`${join(folder, 'notes')}:/notes`],
    labels: backedUp('files'),
    args: ['--userns', 'keep-id'],
  })
  await eventually(() => cache.exec(['redis-cli', 'PING']), 60, 'redis answers')
  await eventually(() => db.exec(['psql', '-U', 'postgres', '-c', 'SELECT 1']), 120, 'the database answers')
  await writeNotes()
  return [cacheItem(cache), databaseItem(db), notesItem(notes)]
}

function cacheItem(cache: LabContainer): Item {
  const run = (script: string) => shell(cache, script)
  return {
    name: 'cache',
    fill: () => run('redis-cli SET greeting "good day"; redis-cli SET other 5; redis-cli DEL newer; redis-cli SAVE'),
    look: () => run(`redis-cli MGET greeting other newer; redis-cli DBSIZE; stat -c '%n %u:%g' /data /data/dump.rdb`),
    destroy: () => run('redis-cli FLUSHALL; redis-cli SET newer 1; redis-cli SAVE; chmod 600 /data/dump.rdb'),
  }
}

function databaseItem(db: LabContainer): Item {
  const run = (sql: string) => db.exec(['psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-U', 'postgres', '-c', sql])
  return {
    name: 'db',
    fill: () =>
      run(`DROP TABLE IF EXISTS items, newer;
        CREATE TABLE items AS SELECT n, md5(n::text) FROM generate_series(1, 10000) n`),
    look: () =>
      run(`SELECT count(*), md5(string_agg(i::text, ',' ORDER BY n)) FROM items i;
        SELECT tablename FROM pg_tables WHERE schemaname = 'public'`),
    destroy: () => run('DELETE FROM items WHERE n > 5; CREATE TABLE newer (a int)'),
  }
}

async function writeNotes(): Promise<void> {
  const at = (...names: string[]) => join(folder, 'notes', ...names)
  mkdirSync(at('folder'), { mode: 0o750 })
  writeFileSync(at('folder', 'own'), 'mine', { mode: 0o640 })
  symlinkSync('folder/own', at('link'))
  writeFileSync(at('of-another'), 'of another user of the container')
  chmodSync(at('of-another'), 0o600)
  await lab.podman(['unshare', 'chown', '34:35', at('of-another')])
}

/** Written once: the first journey brings it back for the second. */
function notesItem(notes: LabContainer): Item {
  const ofAnother = join(folder, 'notes', 'of-another')
  return {
    name: 'notes',
    fill: async () => {},
    look: () =>
      shell(
        notes,
        `cd /notes && readlink link; find . -exec stat -c '%n %F %u:%g %a %Y' {} + | sort; find . -type f -exec sha256sum {} + | sort`,
        ['--user', '0'],
      ),
    destroy: async () => {
      await shell(notes, 'cd /notes && rm -r folder && ln -sfn nowhere link && echo stray >stray && chmod 777 .')
      await lab.podman(['unshare', 'sh', '-c', `echo spoiled >"$0" && chown 0:0 "$0"`, ofAnother])
    },
  }
}

function shell({ name }: LabContainer, script: string, options: string[] = []): Promise<string> {
  return lab.podman(['exec', ...options, name, 'sh', '-c', script])
}

/** The document of a call, also when it failed. */
async function document(file: string, args: string[], env: Record<string, string>): Promise<unknown> {
  const { stdout } = await runFile(file, args, { env, maxBuffer: 2 ** 26 }).catch((error) => {
    if (error.stdout) return error
    throw error
  })
  return JSON.parse(stdout)
}
