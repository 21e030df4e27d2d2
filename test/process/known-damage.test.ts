import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { run, type Stage } from '../support/cli.ts'
import {
  backupShape,
  checkShape,
  failureShape,
  listShape,
  restorePlanShape,
  restoreShape,
  statusShape,
} from '../support/json-shapes.ts'
import { setOneApp } from '../support/one-app.ts'

/** One service with two snapshots, `old` and `newest`. */
let folder: string
let backups: string
let stage: Stage
let old: string
let newest: string

const backUp = async (clock: Pick<Clock, 'now'> = systemClock) => {
  const { json } = await run(['backup', 'app', '--json'], { ...stage, clock: { ...systemClock, ...clock } })
  return backupShape.parse(json()).targets[0]?.snapshot ?? ''
}
const anHourAgo = { now: () => new Date(systemClock.now().getTime() - 3_600_000) }

beforeEach(async () => {
  ;({ folder, backups, stage } = setOneApp())
  old = await backUp(anHourAgo)
  writeFileSync(join(folder, 'data', 'word'), 'two')
  newest = await backUp()
})

/** Changes a byte of a stored file and leaves its length as it is. Answers how to mend it. */
function damage(id: string, ending = '.tar.zst'): () => void {
  const at = join(backups, 'shop/app', id)
  const path = join(at, readdirSync(at).find((name) => name.endsWith(ending)) ?? '')
  const bytes = readFileSync(path)
  writeFileSync(path, Buffer.from(bytes).fill(~(bytes[8] as number) & 255, 8, 9))
  return () => writeFileSync(path, bytes)
}

const word = () => readFileSync(join(folder, 'data', 'word'), 'utf8')
const status = async () => {
  const { json, exitCode } = await run(['status', '--json'], stage)
  return { ...statusShape.parse(json()), exitCode }
}
const list = async () => listShape.parse((await run(['list', '--json'], stage)).json()).snapshots
const codeOf = (json: () => unknown) => failureShape.parse(json()).error.code

describe('after a check that read every byte has found the newest snapshot damaged', () => {
  let mend: () => void

  beforeEach(async () => {
    mend = damage(newest)
    const { json, exitCode } = await run(['check', '--read-data', '--json'], stage)
    expect(checkShape.parse(json())).toMatchObject({ outcome: 'failed', readData: true })
    expect(exitCode).toBe(1)
  })

  test('status counts the one before it, names it with a hint, and ends with exit code 1', async () => {
    const { targets, problems, repositories, exitCode } = await status()
    const [before] = await list()
    expect(targets[0]).toMatchObject({ lastSuccess: before?.time, damaged: newest })
    const file = repositories[0]?.damaged[0]?.files[0]?.file
    const reason = `the newest snapshot ${newest} is damaged and counts as no backup: ${file} has another SHA-256 than when it was written`
    expect(problems).toMatchObject([{ reason, hint: expect.stringContaining('xnai-backup backup shop/app') }])
    expect(repositories[0]?.damaged).toMatchObject([{ id: newest, readData: true }])
    expect(exitCode).toBe(1)
    const { stdout } = await run(['status', '--wide'], stage)
    expect(stdout).toContain(`problem: shop-app-1: ${reason}`)
    expect(stdout).toContain('hint: ')
  })

  test('list marks it, and retention counts the one before it as the newest', async () => {
    expect(await list()).toMatchObject([
      { id: old, damaged: null, kept: expect.arrayContaining(['newest']) },
      {
        ...{ id: newest, kept: expect.arrayContaining(['damaged']) },
        damaged: { readData: true, files: [{ reason: 'has another SHA-256 than when it was written' }] },
      },
    ])
    expect((await run(['list', '--wide'], stage)).stdout).toContain('damaged: shop/app/')
  })

  test.each(['restore app --yes', 'restore app --dry-run', 'restore app --dry-run --at NEWEST', 'restore app --to TO'])(
    '%s is refused with the id of the newest whole one',
    async (command) => {
      const args = command.replace('NEWEST', newest).replace('TO', join(folder, 'beside')).split(' ')
      const { json, stderr, exitCode } = await run([...args, '--json'], stage)
      expect(codeOf(json)).toBe('SNAPSHOT_DAMAGED')
      expect(stderr).toContain(`--at ${old}`)
      expect(exitCode).toBe(1)
      expect(word()).toBe('two')
    },
  )

  test('restore --all names it among those that it refuses, and the one that the hint names is restored', async () => {
    const all = await run(['restore', '--all', '--yes', '--json'], stage)
    const refused = { target: 'app', error: { code: 'SNAPSHOT_DAMAGED', hint: expect.stringContaining(`--at ${old}`) } }
    expect(restoreShape.parse(all.json()).targets).toMatchObject([refused])
    expect(word()).toBe('two')
    const { json } = await run(['restore', 'app', '--at', old, '--yes', '--json'], stage)
    expect(restoreShape.parse(json()).outcome).toBe('complete')
    expect(word()).toBe('one')
  })

  test('a check of sizes does not forget it', async () => {
    const { json, exitCode } = await run(['check', '--json'], stage)
    const { readData, repositories } = checkShape.parse(json())
    expect(readData).toBe(false)
    expect(repositories[0]?.damaged).toMatchObject([{ id: newest, found: expect.any(String) }])
    expect(exitCode).toBe(1)
    expect((await status()).exitCode).toBe(1)
  })

  test('a new backup makes status good again, which goes on naming the damaged one', async () => {
    const id = await backUp()
    const { targets, repositories, exitCode } = await status()
    expect(targets[0]).toMatchObject({ damaged: null })
    expect(repositories[0]?.damaged).toMatchObject([{ id: newest }])
    expect(exitCode).toBe(0)
    expect((await run(['status', '--wide'], stage)).stdout).toContain(`damaged: shop/app: snapshot ${newest}`)
    const { json } = await run(['restore', 'app', '--dry-run', '--json'], stage)
    expect(restorePlanShape.parse(json()).targets).toMatchObject([{ snapshot: id }])
  })

  test('it is forgotten when it is removed', async () => {
    rmSync(join(backups, 'shop/app', newest), { recursive: true })
    const { targets, repositories, exitCode } = await status()
    expect(targets[0]).toMatchObject({ damaged: null })
    expect(repositories[0]?.damaged).toEqual([])
    expect(exitCode).toBe(0)
  })

  test('a restore of its id reads it anew: once it is mended it is restored and forgotten', async () => {
    const again = await run(['restore', 'app', '--at', newest, '--yes', '--json'], stage)
    expect(restoreShape.parse(again.json()).targets[0]?.error?.code).toBe('SNAPSHOT_DAMAGED')
    mend()
    const { exitCode } = await run(['restore', 'app', '--at', newest, '--yes'], stage)
    expect(exitCode).toBe(0)
    expect((await status()).exitCode).toBe(0)
  })

  test('a disk that is not mounted loses nothing of it', async () => {
    renameSync(backups, `${backups}-away`)
    expect((await status()).repositories[0]?.ok).toBe(false)
    renameSync(`${backups}-away`, backups)
    expect((await status()).targets[0]).toMatchObject({ damaged: newest })
  })
})

test('damage that a restore finds is remembered', async () => {
  damage(newest)
  expect((await status()).exitCode).toBe(0)
  await run(['restore', 'app', '--yes'], stage)
  expect((await status()).targets[0]).toMatchObject({ damaged: newest })
})

test('a snapshot whose description cannot be read is named by status, list and check', async () => {
  const mend = damage(newest, 'manifest.json')
  const { targets, repositories, exitCode } = await status()
  expect(targets[0]).toMatchObject({ damaged: newest })
  expect(repositories[0]?.damaged).toMatchObject([{ id: newest, readData: false }])
  expect(exitCode).toBe(1)
  const { json, stdout } = await run(['list', '--json'], stage)
  expect(listShape.parse(json()).unreadable, stdout).toMatchObject([{ id: newest, project: 'shop', target: 'app' }])
  expect((await run(['list', 'app', '--wide'], stage)).stdout).toContain(`problem: shop/app: snapshot ${newest}`)
  expect((await run(['check', '--wide'], stage)).stdout).toContain('2 snapshots, 1 damaged')
  mend()
  expect((await run(['check'], stage)).exitCode).toBe(0)
  expect((await status()).exitCode).toBe(0)
})

test('a snapshot whose description cannot be read is named by prune, and removed by its id alone', async () => {
  damage(old, 'manifest.json')
  const { stdout } = await run(['prune'], stage)
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`prune --unreadable ${old}`)
  const folders = () => readdirSync(join(backups, 'shop/app')).sort()
  expect(folders()).toEqual([old, newest])
  const refused = async (...more: string[]) => codeOf((await run(['prune', '--json', ...more], stage)).json)
  expect(await refused('--unreadable', newest, '--yes')).toBe('USAGE')
  expect(await refused('--unreadable', 'none', '--yes')).toBe('NO_SUCH_SNAPSHOT')
  expect(await refused('--unreadable', old)).toBe('CONFIRMATION_NEEDED')
  expect(folders()).toEqual([old, newest])
  expect((await run(['prune', '--unreadable', old, '--yes'], stage)).exitCode).toBe(0)
  expect(folders()).toEqual([newest])
  expect((await list()).map(({ id }) => id)).toEqual([newest])
})

test('check says what it read', async () => {
  const sizes = await run(['check', '--wide'], stage)
  expect(sizes.stdout).toContain('compared sizes and manifests of 2 snapshots')
  expect(sizes.stdout).toContain('--read-data reads every byte')
  const bytes = await run(['check', '--read-data', '--wide'], stage)
  expect(bytes.stdout).toContain('read every byte of 2 snapshots')
})
