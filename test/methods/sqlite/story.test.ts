import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type LabContainer, type LabService } from '../../../lab/lab.ts'
import { backedUp, openStory, type Story } from '../../support/story.ts'

let story: Story

beforeAll(async () => {
  story = await openStory('sqlite')
})
afterAll(() => story?.[Symbol.asyncDispose]())

/**
 * An application that counts: each transaction adds a row and writes the sum of all rows beside it. In any state that was ever
 * committed the rows are 1 to n and the sum is theirs. It begins where its database ends, and each row says when that was.
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
    time.sleep(0.002)
`

interface App {
  container: LabContainer
  /** On the host. */
  file: string
  stop(): Promise<void>
  /** Entries; throws where rows and sum are not of one state. */
  entries(): Promise<number>
  /** Those of them that the application wrote before it was ever restarted. */
  firstEntries(): Promise<number>
}

interface AppOptions extends Partial<LabService> {
  name: string
  mode?: 'WAL' | 'DELETE'
  labels?: Record<string, string>
  /** Path of the database in the container. */
  path?: string
}

async function startApp({ name, mode = 'WAL', path = '/app/data/iam.db', ...rest }: AppOptions): Promise<App> {
  const { lab } = story
  const container = await lab.run({
    volumes: [`${lab.project}-${name}:/app/data:U`],
    user: '1000:1000',
    ...rest,
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
    entries: async () => (await readEntries(lab, container, path)).entries,
    firstEntries: async () => (await readEntries(lab, container, path)).first,
  }
  await eventually(async () => (await app.entries()) > 100, 60, `${name} counts`)
  return app
}

/** Read by a program in a container of its own, which sees the log as the application does. */
async function readEntries(lab: Story['lab'], { name }: LabContainer, path: string) {
  const script = `import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30)
first = 'SELECT count(*) FROM entry WHERE begin = (SELECT min(begin) FROM entry)'
print(*db.execute(f'SELECT count(*), max(n), sum(n), (SELECT sum FROM total), ({first}) FROM entry').fetchone())`
  const user = (await lab.podman(['container', 'inspect', '--format', '{{.Config.User}}', name])).trim()
  const args = [
    'run',
    '--rm',
    '--volumes-from',
    name,
    '--user',
    user,
    'localhost/xnai-services',
    'python3',
    '-c',
    script,
  ]
  const [count, last, sum, total, first = 0] = (await lab.podman([...args, path])).trim().split(' ').map(Number)
  expect([count, sum]).toEqual([last, total])
  return { entries: count ?? 0, first }
}

const rowsOf = async (target: string, id: string): Promise<number> => {
  const folder = join(story.product.repository, story.lab.project, target, id)
  const { facts } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))
  return facts['iam.db rows'].entry
}

describe('a database that is written all the while', () => {
  test.each(['WAL', 'DELETE'] as const)('%s: the state of one instant comes back, over newer data', async (mode) => {
    const target = `live-${mode.toLowerCase()}`
    const app = await startApp({ name: target, mode })
    const { State } = await story.lab.inspect(app.container.name)
    const before = await app.entries()
    const id = await story.backUp(target)
    const after = await app.entries()
    const captured = await rowsOf(target, id)
    expect(captured).toBeGreaterThanOrEqual(before)
    expect(captured).toBeLessThanOrEqual(after)
    // The application was neither stopped nor locked out of its own files.
    expect((await story.lab.inspect(app.container.name)).State.StartedAt).toBe(State.StartedAt)
    await eventually(async () => (await app.entries()) > after, 20, 'it goes on counting')
    await story.lab.podman(['pause', app.container.name]) // a journal that comes and goes could not be looked at
    const files = await readdir(join(app.file, '..'))
    expect(files).toContain('iam.db')
    for (const name of files) {
      expect(await stat(join(app.file, '..', name)), name).toMatchObject({ uid: 1000, gid: 1000 })
    }
    await story.lab.podman(['unpause', app.container.name])

    const result = await story.restore(target)
    const names = result.checks.map(({ name }: { name: string }) => name)
    expect(names).toContain('/app/data/iam.db integrity_check')
    // It began again where the snapshot ends.
    await eventually(async () => (await app.entries()) > captured, 20, 'it goes on counting')
    expect(await app.firstEntries()).toBe(captured)
    expect(await stat(app.file)).toMatchObject({ uid: 1000, gid: 1000 })
  })

  test('stopped for the capture by its label', async () => {
    const app = await startApp({ name: 'stopped', labels: { quiesce: 'stop' } })
    const { exitCode, json } = await story.call(['backup', 'stopped'])
    expect([exitCode, json.targets[0].stopped]).toEqual([0, [app.container.name]])
    const captured = await rowsOf('stopped', json.targets[0].snapshot)
    await eventually(async () => (await app.entries()) > captured, 20, 'it goes on counting')
  })
})

describe('a database that is lost', () => {
  test.each([
    ['is deleted', (file: string) => rm(file), 'nothing to keep'],
    ['is emptied', (file: string) => truncate(file, 0), 'no way back'],
    ['is overwritten', (file: string) => writeFile(file, '<html>not found</html>'), 'no way back'],
  ])('%s: the backup fails, the restore brings it back', async (what, destroy, left) => {
    const target = `lost-${what.split(' ')[1]}`
    const app = await startApp({ name: target })
    await app.stop()
    const id = await story.backUp(target)
    const captured = await rowsOf(target, id)
    await destroy(app.file)

    const failed = await story.call(['backup', target])
    expect(failed.exitCode).toBe(1)
    expect(failed.json.targets[0].error).toMatchObject({
      code: 'DUMP_FAILED',
      message: expect.stringContaining('iam.db'),
    })
    if (left === 'no way back') {
      const refused = await story.call(['restore', target, '--yes'])
      expect(refused.json.targets[0].error).toMatchObject({ hint: expect.stringContaining('--no-safety') })
    }
    await story.restore(target, ...(left === 'no way back' ? ['--no-safety'] : []))
    expect(await app.entries()).toBe(captured)
    expect(await stat(app.file)).toMatchObject({ uid: 1000, gid: 1000 })
  })
})

describe('a single file that is mounted', () => {
  const mountFile = async (name: string) => {
    const file = join(story.lab.dir, 'files', `${name}.db`)
    await mkdir(join(file, '..'), { recursive: true })
    new DatabaseSync(file).exec('PRAGMA user_version = 7')
    return { file, volumes: [`${file}:/app/iam.db`] }
  }

  test('comes back in the same inode', async () => {
    const { file, volumes } = await mountFile('single')
    const app = await startApp({ name: 'single', mode: 'DELETE', path: '/app/iam.db', volumes, user: '0:0' })
    await app.stop()
    const before = await app.entries()
    await story.backUp('single')
    const { ino } = await stat(file)
    await story.lab.podman(['start', app.container.name])
    await eventually(async () => (await app.entries()) > before, 20, 'it goes on counting')
    await app.stop()
    await story.restore('single')
    expect((await stat(file)).ino).toBe(ino)
    expect(await app.entries()).toBe(before)
  })

  test('with a log is refused while its application runs', async () => {
    const { volumes } = await mountFile('hidden')
    await startApp({ name: 'hidden', path: '/app/iam.db', volumes, user: '0:0' })
    const { exitCode, json } = await story.call(['backup', 'hidden'])
    expect(exitCode).toBe(1)
    expect(json.targets[0].error.message).toMatch(/container alone/)
  })
})
