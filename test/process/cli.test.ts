import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { targetLock } from '../../src/catalog/keys.ts'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { ownPath } from '../../src/engine/host-paths.ts'
import { BackupError } from '../../src/errors.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { poll } from '../../src/lib/deadline.ts'
import { openArchive } from '../../src/repository/archive.ts'
import { type FakeContainer, fakeEngine } from '../fakes/engine.ts'
import { container, makeFolder, run, type Stage } from '../support/cli.ts'
import { backupShape, checkShape, listShape, restoreShape } from '../support/json-shapes.ts'

/** The commands from end to end over a real archive and real files; only the containers are in memory. */
function makeWorld(more: FakeContainer[] = []) {
  const folder = makeFolder()
  const data = join(folder, 'data')
  const backups = join(folder, 'backups')
  const state = join(folder, 'state')
  for (const path of [data, backups]) mkdirSync(path)
  writeFileSync(join(data, 'orders.txt'), 'one order\n')
  writeFileSync(join(data, 'settings.txt'), 'colour=blue\n')
  const app = container('app', {
    labels: { 'xnai.backup.enable': 'true' },
    mounts: [{ kind: 'bind', source: data, destination: '/srv', writable: true }],
  })
  const engine = fakeEngine({ containers: [app, ...more] })
  const stage: Stage = { engine, local: openArchive(backups), clock: systemClock }
  return { folder, data, backups, state, engine, stage }
}

async function backUp(stage: Stage): Promise<string> {
  const { json } = await run(['backup', 'app', '--json'], stage)
  return backupShape.parse(json()).targets[0]?.snapshot ?? ''
}

const misspelt = container('web', { labels: { 'xnai.backup.enable': 'true', 'xnai.backup.shedule': '@daily' } })

describe('backup', () => {
  test('takes a snapshot with the service stopped, and starts it again', async () => {
    const { stage, engine } = makeWorld()
    const { exitCode, json } = await run(['backup', 'app', '--json'], stage)
    const { outcome, targets } = backupShape.parse(json())
    expect(outcome).toBe('complete')
    expect(targets).toMatchObject([{ project: 'shop', target: 'app', method: 'files', stopped: ['shop-app-1'] }])
    expect(engine.journal).toEqual(['stop shop-app-1', 'start shop-app-1'])
    expect(exitCode).toBe(0)
  })

  test('of --all, a broken target does not keep the others: exit 3', async () => {
    const { stage } = makeWorld([misspelt])
    const { exitCode, json } = await run(['backup', '--all', '--json'], stage)
    const { outcome, targets } = backupShape.parse(json())
    expect(outcome).toBe('incomplete')
    expect(targets.map(({ target, error }) => [target, error?.code])).toEqual([
      ['app', undefined],
      ['web', 'TARGET_BROKEN'],
    ])
    expect(exitCode).toBe(3)
  })

  test('a broken target by name fails with its problems: exit 1', async () => {
    const { stage } = makeWorld([misspelt])
    const { exitCode, stdout } = await run(['backup', 'web'], stage)
    expect(stdout).toContain('xnai.backup.shedule')
    expect(exitCode).toBe(1)
  })

  test('a target that is being worked on: exit 5', async () => {
    const { stage, state } = makeWorld()
    using catalog = openCatalog(state)
    using _held = catalog.lock([targetLock('shop', 'app')], 'another-run')
    const { exitCode, stdout } = await run(['backup', 'app'], { ...stage, catalog })
    expect(stdout).toContain('another-run')
    expect(exitCode).toBe(5)
  })

  test('--all of nothing is no success: exit 4', async () => {
    const { stage } = makeWorld()
    const { exitCode, stderr } = await run(['backup', '--all'], { ...stage, engine: fakeEngine() })
    expect(stderr).toContain('no container carries xnai.backup.enable=true')
    expect(exitCode).toBe(4)
  })

  test('an interrupted command: exit 130, and nothing is listed', async () => {
    const { stage, engine } = makeWorld()
    const signal = AbortSignal.abort(new BackupError('INTERRUPTED', 'interrupted by SIGTERM'))
    const { exitCode, stderr } = await run(['backup', 'app'], { ...stage, signal })
    expect(stderr).toContain('error: interrupted by SIGTERM\n')
    expect(engine.journal).toEqual([])
    expect(exitCode).toBe(130)
    expect(listShape.parse((await run(['list', '--json'], stage)).json()).snapshots).toEqual([])
  })

  test('a pipe gets its steps on stderr and its result on stdout', async () => {
    const { stage } = makeWorld()
    const { stdout, stderr } = await run(['backup', 'app'], stage)
    expect(stdout).toMatch(/^TARGET +RESULT +SNAPSHOT .*\nshop\/app +complete +\d{8}T/)
    expect(stderr).toBe(
      'shop/app: copying ahead\nshop/app: stopped, copying\nshop/app: finishing\nshop/app: complete\n',
    )
  })

  test('a terminal shows how much of what the newest snapshot held is done', async () => {
    const { stage, data } = makeWorld()
    writeFileSync(join(data, 'large.bin'), Buffer.alloc(2 ** 20, 'x'))
    await backUp(stage)
    const { stderr } = await run(['backup', 'app'], { ...stage, terminal: true, columns: 200 })
    expect(stderr).toMatch(/shop\/app {2}stopped, copying {2}\d+ %, .* of about 1\.0 MiB, /)
    const restore = await run(['restore', 'app', '--yes'], { ...stage, terminal: true, columns: 200 })
    expect(restore.stderr).toMatch(/shop\/app {2}replacing the data {2}\d+ %, .* of about 1\.0 MiB, /)
  })
})

describe('restore', () => {
  test('brings the data back as it was, with a safety snapshot of what was there', async () => {
    const { stage, data } = makeWorld()
    const id = await backUp(stage)
    rmSync(join(data, 'orders.txt'))
    writeFileSync(join(data, 'added-later.txt'), 'x')
    const { exitCode, json } = await run(['restore', 'app', '--yes', '--json'], stage)
    const { outcome, targets } = restoreShape.parse(json())
    expect(outcome).toBe('complete')
    expect(targets[0]).toMatchObject({ target: 'app', snapshot: id, rolledBack: false })
    expect(targets[0]?.checks.length).toBeGreaterThan(0)
    expect(readdirSync(data).sort()).toEqual(['orders.txt', 'settings.txt'])
    expect(readFileSync(join(data, 'orders.txt'), 'utf8')).toBe('one order\n')
    expect(exitCode).toBe(0)
    const { stdout } = await run(['list', 'app'], stage)
    expect(stdout).toContain(`${targets[0]?.safetySnapshot}  shop/app`)
  })

  test('--only takes one file and leaves the others', async () => {
    const { stage, data } = makeWorld()
    await backUp(stage)
    writeFileSync(join(data, 'orders.txt'), 'damaged')
    writeFileSync(join(data, 'settings.txt'), 'colour=red\n')
    const { exitCode } = await run(['restore', 'app', '--only', '/srv/orders.txt', '--yes'], stage)
    expect(readFileSync(join(data, 'orders.txt'), 'utf8')).toBe('one order\n')
    expect(readFileSync(join(data, 'settings.txt'), 'utf8')).toBe('colour=red\n')
    expect(exitCode).toBe(0)
  })

  test('--only of a path with a typing error is refused by the dry run too', async () => {
    const { stage } = makeWorld()
    await backUp(stage)
    const { exitCode, stderr } = await run(['restore', 'app', '--only', '/srv/order.txt', '--dry-run'], stage)
    expect(stderr).toContain('Did you mean /srv/orders.txt?')
    expect(exitCode).toBe(4)
  })

  test('--to writes beside the stack, unasked, also where no stack is left', async () => {
    const { stage, folder } = makeWorld()
    await backUp(stage)
    const engine = fakeEngine()
    const { exitCode } = await run(['restore', '--all', '--to', join(folder, 'beside')], { ...stage, engine })
    const files = readdirSync(join(folder, 'beside', 'app'), { recursive: true })
    expect(files.map(String).filter((name) => name.endsWith('.txt'))).toHaveLength(2)
    expect(engine.journal).toEqual([])
    expect(exitCode).toBe(0)
  })

  test('in a container, --to writes to the host and says where; what it may not reach is refused', async () => {
    const { stage, folder } = makeWorld()
    await backUp(stage)
    const mounts = [{ kind: 'bind' as const, source: '/', destination: join(folder, 'host'), writable: true }]
    const inside = { ...stage, ownMounts: mounts, ownPath: (path: string) => ownPath(mounts, path) }
    const to = join(folder, 'look')
    const args = ['restore', 'app', '--to', to]
    const dry = await run([...args, '--dry-run', '--json'], inside)
    expect(dry.json()).toMatchObject({ to })
    const { json, exitCode } = await run([...args, '--json'], inside)
    expect(restoreShape.parse(json()).targets).toMatchObject([{ outcome: 'complete', wrote: `${to}/app` }])
    expect(exitCode).toBe(0)
    expect(readdirSync(join(folder, 'host', to, 'app')).toSorted()).toEqual(['orders.txt', 'settings.txt'])
    expect(existsSync(to)).toBe(false)

    const again = await run(args, inside)
    expect(again.stderr + again.stdout).toContain(`${to}/app is not empty`)
    const relative = await run(['restore', 'app', '--to', 'look', '--dry-run'], inside)
    expect(relative).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--to "$PWD/look"') })
  })

  test('a --to that fails leaves nothing of what it wrote', async () => {
    const { stage, folder, backups } = makeWorld()
    await backUp(stage)
    const broken = { ...openArchive(backups) }
    const local: Stage['local'] = {
      ...broken,
      extract: async (...call) => {
        await broken.extract(...call)
        throw new BackupError('STREAM_CUT', 'the disk went away')
      },
    }
    const to = join(folder, 'look')
    const failed = await run(['restore', 'app', '--to', to], { ...stage, local })
    expect(failed.exitCode).toBe(1)
    expect(readdirSync(to)).toEqual([])
    expect((await run(['restore', 'app', '--to', to], stage)).stdout).toContain(`wrote ${to}/app`)
  })
})

test('a damaged snapshot is named by check, and restore refuses it before anything is touched', async () => {
  const { stage, backups, data, engine } = makeWorld()
  const id = await backUp(stage)
  const stored = readdirSync(join(backups, 'shop', 'app', id)).find((name) => name.endsWith('.zst')) ?? ''
  truncateSync(join(backups, 'shop', 'app', id, stored), 20)
  engine.journal.length = 0
  writeFileSync(join(data, 'orders.txt'), 'newer')

  const check = await run(['check', '--read-data', '--json'], stage)
  expect(checkShape.parse(check.json()).repositories[0]?.damaged).toMatchObject([
    { id, file: expect.stringContaining(stored) },
  ])
  expect(check.exitCode).toBe(1)

  const restore = await run(['restore', 'app', '--yes', '--json'], stage)
  expect(restoreShape.parse(restore.json()).targets[0]?.error?.code).toBe('SNAPSHOT_DAMAGED')
  expect(restore.exitCode).toBe(1)
  expect(readFileSync(join(data, 'orders.txt'), 'utf8')).toBe('newer')
  expect(engine.journal).toEqual([])
})

test('run shows a heartbeat while it works, tells of a run by hand, and ends with exit code 0 when it is told to', async () => {
  const { stage, state } = makeWorld()
  const id = await backUp({ ...stage, state })
  const end = new AbortController()
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: (line) => void lines.push(line) })
  const ended = run(['run'], { ...stage, state, log, signal: end.signal })
  const seen = { what: 'the heartbeat', seconds: 60, clock: systemClock, signal: end.signal }
  await poll(async () => existsSync(join(state, 'heartbeat')), seen)
  await poll(async () => lines.some((line) => line.includes('"backup ended"') && line.includes(id)), {
    ...seen,
    what: 'the line on the run by hand',
  })
  end.abort(new BackupError('INTERRUPTED', 'interrupted by SIGTERM'))
  expect(await ended).toMatchObject({ exitCode: 0, stdout: '' })
})
