import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { eventually, type Lab, type LabContainer, type LabService, servicesImage } from '../../../lab/lab.ts'
import { backedUp, type Story } from '../../support/story.ts'
import { idle, ourFiles, runSubject, type Subject, serve, shell } from '../shared/subject.ts'

/**
 * An application that counts: each transaction adds a row and writes the sum of all rows beside it. In any state that
 * was ever committed the rows are 1 to n and the sum is theirs. It begins where its database ends, and each row says
 * when that was.
 */
const application = `
import signal, sqlite3, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
begin = time.time()
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
db.execute('PRAGMA journal_mode=' + sys.argv[2])
db.execute('CREATE TABLE IF NOT EXISTS entry(n INTEGER PRIMARY KEY, begin REAL, text TEXT)')
db.execute('CREATE TABLE IF NOT EXISTS total(sum INTEGER)')
if not db.execute('SELECT * FROM total').fetchall(): db.execute('INSERT INTO total VALUES (0)')
while True:
    db.execute('BEGIN IMMEDIATE')
    n = db.execute('SELECT coalesce(max(n), 0) + 1 FROM entry').fetchone()[0]
    db.execute('INSERT INTO entry VALUES (?, ?, ?)', (n, begin, str(n) * 200))
    db.execute('UPDATE total SET sum = sum + ?', (n,))
    db.execute('COMMIT')
    time.sleep(0.01)
`

export interface App {
  container: LabContainer
  /** On the host. */
  file: string
  stop(): Promise<void>
  /** Entries; throws where rows and sum are not of one state. */
  entries(): Promise<number>
  /** Those of them that the application wrote before it was ever restarted. */
  firstEntries(): Promise<number>
}

export interface AppOptions extends Partial<LabService> {
  name: string
  mode?: 'WAL' | 'DELETE'
  labels?: Record<string, string>
  /** Path of the database in the container. */
  path?: string
}

/** Resolves when the application has counted for a while. */
export async function startApp({ lab }: Story, options: AppOptions): Promise<App> {
  const { name, mode = 'WAL', path = '/app/data/iam.db', user = '1000:1000', ...rest } = options
  const container = await lab.run({
    volumes: [`${lab.project}-${name}:/app/data:U`],
    ...rest,
    user,
    name,
    labels: backedUp('sqlite', { paths: path, ...rest.labels }),
    command: ['python3', '-c', application, path, mode],
    args: ['--stop-timeout', '10'],
  })
  const { Mounts } = await lab.inspect(container.name)
  const mount = Mounts.find(({ Destination }) => path.startsWith(Destination))
  const file = join(mount?.Source ?? '', path.slice(mount?.Destination.length))
  const app: App = {
    container,
    file,
    stop: async () => void (await lab.podman(['stop', container.name])),
    entries: async () => (await readEntries(lab, container, user, path)).entries,
    firstEntries: async () => (await readEntries(lab, container, user, path)).first,
  }
  await eventually(async () => (await app.entries()) > 100, 60, `${name} counts`)
  return app
}

const reader = `import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30)
first = 'SELECT count(*) FROM entry WHERE begin = (SELECT min(begin) FROM entry)'
print(*db.execute(f'SELECT count(*), max(n), sum(n), (SELECT sum FROM total), ({first}) FROM entry').fetchone())`

/**
 * Read by a program beside the application, or in a container like it where it is down: it sees the log as the
 * application does.
 */
async function readEntries(lab: Lab, { name, exec }: LabContainer, user: string, path: string) {
  const command = ['python3', '-c', reader, path]
  const beside = ['run', '--rm', '--network', 'none', '--volumes-from', name, '--user', user, servicesImage]
  const isRunning = (await lab.inspect(name)).State.Running
  const printed = await (isRunning ? exec(command) : lab.podman([...beside, ...command]))
  const [count, last, sum, total, first = 0] = printed.trim().split(' ').map(Number)
  expect([count, sum]).toEqual([last, total])
  return { entries: count ?? 0, first }
}

/** Entries of the snapshot, as its manifest says. */
export const rowsOf = async ({ product, lab }: Story, target: string, id: string): Promise<number> => {
  const folder = join(product.repository, lab.project, target, id)
  const { facts } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))
  return facts['iam.db rows'].entry
}

export const subject: Subject = {
  method: 'sqlite',
  drill: {
    other: ['/data/app.db pages', '/data/app.db schemaSha256', '/data/app.db rows', '/data/app.db rows of entry'],
    short: ['/data/app.db rows', '/data/app.db rows of entry'],
  },
  moments: ['replace'],
  fullDisk: {
    size: 20,
    left: 1,
    isReadable: true,
    hint: /Free space/,
    load: shell(`sqlite3 /data/app.db 'CREATE TABLE much AS SELECT randomblob(4000000)'`),
  },
  start: async (story, options) => {
    const make = `[ -e /data/app.db ] || sqlite3 /data/app.db 'PRAGMA journal_mode=WAL' >/dev/null`
    const container = await runSubject(story, 'sqlite', '/data', {
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
