/**
 * Run by an ordinary user with a rootless Podman of its own (scripts/rootless.sh): a stack with the controller is backed up, destroyed and
 * restored, first by `podman exec` in the controller's container, then by the command line under `podman unshare`. Prints what was seen as
 * one JSON document on standard output, for rootless.test.ts to judge.
 */
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { attachLab, eventually, type LabContainer } from '../../support/lab.ts'
import { backedUp, states } from '../../support/story.ts'

const runFile = promisify(execFile)
const environment = process.env as Record<string, string>
const folder = mkdtempSync(join(homedir(), 'story-'))
const lab = attachLab(environment, 'rootless', folder)
const main = join(import.meta.dirname, '../../../src/main.ts')
const backupName = 'rootless-backup'

/** What a service shows of its data, owners and modes as it sees them itself. */
type Fingerprints = Record<'redis' | 'db' | 'notes', string>

/** One road through backup, destruction and restore. */
export interface Journey {
  before: Fingerprints
  destroyed: Fingerprints
  after: Fingerprints
  // biome-ignore lint/suspicious/noExplicitAny: documents of the contract
  backup: any
  // biome-ignore lint/suspicious/noExplicitAny: documents of the contract
  restore: any
  states: Record<string, string>
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
  await lab.compose(['compose.backup.yaml'], ['up', '--detach', '--no-build', '--quiet-pull'], {
    env: { XNAI_BACKUP_NAME: backupName },
  })
  const services = await startServices()
  const inController = (args: string[]) =>
    document('podman', ['exec', backupName, 'xnai-backup', ...args, '--json'], environment)
  await eventually(() => inController(['plan']), 60, 'the controller answers')
  const controller = await journey(services, inController)

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
  const unshared = await journey(services, (args) =>
    document('podman', ['unshare', process.execPath, main, ...args, '--json'], env),
  )
  return { controller, unshared, hint: plain.stderr, userId: process.getuid?.() }
}

type Services = Record<keyof Fingerprints, LabContainer>

async function startServices(): Promise<Services> {
  const notesFolder = join(folder, 'notes')
  const redisFolder = join(folder, 'redis')
  for (const path of [notesFolder, redisFolder]) mkdirSync(path)
  const redis = await lab.run({
    name: 'redis',
    command: ['svc', 'redis', '--save', '60', '1'],
    user: '1000:1000',
    volumes: [`${redisFolder}:/data:U`],
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
    volumes: [`${notesFolder}:/notes`],
    labels: backedUp('files'),
    args: ['--userns', 'keep-id'],
  })
  mkdirSync(join(notesFolder, 'folder'), { mode: 0o750 })
  writeFileSync(join(notesFolder, 'folder', 'own'), 'mine', { mode: 0o640 })
  symlinkSync('folder/own', join(notesFolder, 'link'))
  writeFileSync(join(notesFolder, 'of-another'), 'of another user of the container')
  chmodSync(join(notesFolder, 'of-another'), 0o600)
  await lab.podman(['unshare', 'chown', '34:35', join(notesFolder, 'of-another')])
  await eventually(() => redis.exec(['redis-cli', 'PING']), 30, 'redis answers')
  await eventually(() => db.exec(['psql', '-U', 'postgres', '-c', 'SELECT 1']), 60, 'the database answers')
  return { redis, db, notes }
}

async function journey(services: Services, product: (args: string[]) => Promise<unknown>): Promise<Journey> {
  await shell(services.redis, 'redis-cli SET greeting "good day"; redis-cli SET other 5; redis-cli SAVE')
  await psql(
    services,
    `DROP TABLE IF EXISTS items; CREATE TABLE items AS SELECT n, md5(n::text) FROM generate_series(1, 10000) n`,
  )
  const before = await fingerprints(services)
  const backup = await product(['backup', '--all'])

  await shell(services.redis, 'redis-cli FLUSHALL; redis-cli SET newer 1; redis-cli SAVE; chmod 600 /data/dump.rdb')
  await psql(services, 'DELETE FROM items WHERE n > 5; CREATE TABLE newer (a int)')
  await shell(services.notes, 'cd /notes && rm -r folder && ln -sfn nowhere link && echo stray >stray && chmod 777 .')
  await lab.podman(['unshare', 'sh', '-c', `echo spoiled >"$0" && chown 0:0 "$0"`, join(folder, 'notes', 'of-another')])
  const destroyed = await fingerprints(services)

  const restore = await product(['restore', '--all', '--yes'])
  const after = await fingerprints(services)
  await psql(services, 'DROP TABLE IF EXISTS newer')
  return { before, destroyed, after, backup, restore, states: await states(lab) }
}

async function fingerprints(services: Services): Promise<Fingerprints> {
  const files = `find . -name '*.rdb' -prune -o -exec stat -c '%n %F %u:%g %a %Y' {} + | sort; find . -type f ! -name '*.rdb' -exec sha256sum {} + | sort`
  return {
    redis: await shell(
      services.redis,
      `redis-cli MGET greeting other newer; redis-cli DBSIZE; stat -c '%n %u:%g' /data /data/dump.rdb`,
    ),
    db: await psql(
      services,
      `SELECT count(*), md5(string_agg(i::text, ',' ORDER BY n)) FROM items i; SELECT tablename FROM pg_tables WHERE schemaname = 'public'`,
    ),
    notes: await shell(services.notes, `cd /notes && readlink link; ${files}`, ['--user', '0']),
  }
}

function psql({ db }: Services, sql: string): Promise<string> {
  return db.exec(['psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-U', 'postgres', '-c', sql])
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
