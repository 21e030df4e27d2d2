/**
 * Run by an ordinary user with a rootless Podman of its own (lab/rootless.sh): the example stack with its controller,
 * and beside it what only rootless stacks know, is backed up, destroyed and restored: everything by `podman exec` in
 * the controller's container, then what stands beside by the command line under `podman unshare`. Prints what was seen
 * as one JSON document, for rootless.test.ts to judge.
 */
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { attachLab, eventually, type LabContainer } from '../../../lab/lab.ts'
import { program } from '../../../lab/program.ts'
import { expectNone, newSecret } from '../../../lab/secrets.ts'
import { makeStack, type Stack } from '../../../lab/stack.ts'
import { prelude, type Subject, subjects } from '../../../lab/subjects.ts'
import { backedUp, states } from '../../support/story.ts'

const runFile = promisify(execFile)
const environment = { ...(process.env as Record<string, string>), XNAI_BACKUP_NAME: 'rootless-backup' }
const folder = mkdtempSync(join(homedir(), 'story-'))
const lab = attachLab(environment, 'rootless', folder)

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
  /** What the look for secrets had to say at the end of it; empty: nothing. */
  secrets: string
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
  const controller = await journey(everything, ['--all'], {
    call: async (args) => (await stack.call(args)).json,
    expectNoSecret: stack.expectNoSecret,
  })

  // The engine comes from DOCKER_HOST: with CONTAINER_HOST podman itself is a remote client, which has no unshare.
  const [repository, state] = [join(folder, 'backups'), join(folder, 'state')]
  const env = {
    ...environment,
    XNAI_BACKUP_PROJECT: lab.project,
    XNAI_BACKUP_LOCAL: `archive:${repository}`,
    XNAI_BACKUP_STATE: state,
    XNAI_BACKUP_LOG_LEVEL: 'debug',
  }
  mkdirSync(repository)
  const plain = await runFile(process.execPath, [program, 'backup', 'db'], { env }).catch((error) => error)
  lab.witness.said.push(plain.stderr)
  await lab.podman(['unshare', 'rm', '-rf', state])
  const names = beside.map(({ name }) => name)
  const unshared = await journey(beside, names, {
    call: (args) => document('podman', ['unshare', process.execPath, program, ...args, '--json'], env),
    expectNoSecret: () => expectNone(lab, { repository, state }),
  })
  return { controller, unshared, hint: plain.stderr, userId: process.getuid?.() }
}

/** The product on one road. */
interface Road {
  call(args: string[]): Promise<unknown>
  expectNoSecret(): Promise<void>
}

async function journey(items: Item[], targets: string[], { call, expectNoSecret }: Road): Promise<Journey> {
  for (const item of items) await item.fill()
  const before = await lookAt(items)
  const running = await states(lab)
  const backup = await call(['backup', ...targets])
  for (const item of items) await item.destroy()
  const destroyed = await lookAt(items)
  const restore = await call(['restore', ...targets, '--yes'])
  const after = await lookAt(items)
  const secrets = await expectNoSecret().then(
    () => '',
    (error) => String(error),
  )
  return { before, destroyed, after, backup, restore, secrets, states: [running, await states(lab)] }
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
    command: ['sh', '-c', 'exec svc redis --save 60 1 - <<END\nrequirepass $REDIS_PASSWORD\nEND'],
    env: { REDIS_PASSWORD: newSecret('redis') },
    user: '1000:1000',
    volumes: [`${join(folder, 'cache')}:/data:U`],
    labels: backedUp('redis'),
  })
  const db = await lab.run({
    name: 'db',
    command: ['svc', 'postgres'],
    env: { POSTGRES_PASSWORD: newSecret('postgres'), POSTGRES_INITDB_ARGS: '--auth-local=scram-sha-256' },
    volumes: ['db:/var/lib/postgresql'],
    labels: backedUp('postgres', { 'postgres.password-env': 'POSTGRES_PASSWORD' }),
  })
  const notes = await lab.run({
    name: 'notes',
    command: ['sh', '-c', 'trap "exit 0" TERM; sleep infinity & wait'],
    volumes: [`${join(folder, 'notes')}:/notes`],
    labels: backedUp('files'),
    args: ['--userns', 'keep-id'],
  })
  await eventually(() => shell(cache, `${prelude}; redis-cli -e PING`), 60, 'redis answers')
  await eventually(() => query(db, 'SELECT 1'), 120, 'the database answers')
  await writeNotes()
  return [cacheItem(cache), databaseItem(db), notesItem(notes)]
}

function cacheItem(cache: LabContainer): Item {
  const run = (script: string) => shell(cache, `${prelude}; ${script}`)
  return {
    name: 'cache',
    fill: () => run('redis-cli SET greeting "good day"; redis-cli SET other 5; redis-cli DEL newer; redis-cli SAVE'),
    look: () => run(`redis-cli MGET greeting other newer; redis-cli DBSIZE; stat -c '%n %u:%g' /data /data/dump.rdb`),
    destroy: () => run('redis-cli FLUSHALL; redis-cli SET newer 1; redis-cli SAVE; chmod 600 /data/dump.rdb'),
  }
}

function query(db: LabContainer, sql: string): Promise<string> {
  const psql = `PGPASSWORD="$POSTGRES_PASSWORD" psql -XqAt -v ON_ERROR_STOP=1 -U postgres -c "$0"`
  return db.exec(['sh', '-c', psql, sql])
}

function databaseItem(db: LabContainer): Item {
  const run = (sql: string) => query(db, sql)
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
  using _watch = lab.witness.watch()
  const { stdout, stderr } = await runFile(file, args, { env, maxBuffer: 2 ** 26 }).catch((error) => {
    if (error.stdout) return error
    throw error
  })
  lab.witness.said.push(stdout, stderr)
  return JSON.parse(stdout)
}
