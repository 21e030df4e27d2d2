import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { openArchive } from '../../src/repository/archive.ts'
import type { fakeEngine } from '../fakes/engine.ts'
import { run, type Stage } from '../support/cli.ts'
import { acceptShape, backupShape, failureShape, listShape, statusShape } from '../support/json-shapes.ts'
import { setOneApp } from '../support/one-app.ts'

/** A disk that is mounted at `backups`; what is mounted there can be swapped. */
let folder: string
let backups: string
let engine: ReturnType<typeof fakeEngine>
let stage: Stage

beforeEach(async () => {
  ;({ folder, backups, engine, stage } = setOneApp())
  const { json } = await run(['backup', 'app', '--json'], stage)
  expect(backupShape.parse(json()).outcome).toBe('complete')
  engine.journal.length = 0
})

const unmount = () => {
  renameSync(backups, join(folder, 'disk'))
  mkdirSync(backups)
}
const mountAnother = async () => {
  unmount()
  const other = { ...stage, state: join(folder, 'other-state') }
  await run(['backup', 'app', '--json'], other)
  engine.journal.length = 0
}
const idOf = (path: string) => (JSON.parse(readFileSync(join(path, 'repository.json'), 'utf8')) as { id: string }).id
const codeOf = (json: () => unknown) => failureShape.parse(json()).error.code
const fileCount = () => readdirSync(backups, { recursive: true }).length

describe('a backup disk that is not mounted', () => {
  test.each(['backup app', 'backup --all', 'restore app --yes', 'list', 'check'])(
    'is a fault of %s, which writes nothing and stops nothing',
    async (command) => {
      unmount()
      const { exitCode, json, stderr } = await run([...command.split(' '), '--json'], stage)
      expect(codeOf(json)).toBe('REPOSITORY_EMPTY')
      expect(stderr).toContain('Is the disk mounted?')
      expect(exitCode).toBe(1)
      expect(readdirSync(backups)).toEqual([])
      expect(engine.journal).toEqual([])
    },
  )

  test('is shown by status, beside the targets', async () => {
    unmount()
    const { exitCode, json } = await run(['status', '--json'], stage)
    const { targets, repositories } = statusShape.parse(json())
    expect(targets.map(({ target }) => target)).toEqual(['app'])
    expect(repositories).toMatchObject([{ ok: false, snapshots: 0, error: { code: 'REPOSITORY_EMPTY' } }])
    expect(exitCode).toBe(1)
  })

  test('is used again as soon as it is back, without a word', async () => {
    unmount()
    await run(['backup', 'app'], stage)
    rmSync(backups, { recursive: true })
    renameSync(join(folder, 'disk'), backups)
    const { exitCode, json } = await run(['list', '--json'], stage)
    expect(listShape.parse(json()).snapshots).toHaveLength(1)
    expect(exitCode).toBe(0)
  })
})

test.each(['backup app', 'restore app --yes', 'restore app --to BESIDE', 'list'])(
  'another repository at the same address is a fault of %s',
  async (command) => {
    await mountAnother()
    const files = fileCount()
    const args = command.replace('BESIDE', join(folder, 'beside')).split(' ')
    const { exitCode, json, stderr } = await run([...args, '--json'], stage)
    expect(codeOf(json)).toBe('REPOSITORY_FOREIGN')
    expect(stderr).toContain('Is the right disk mounted?')
    expect(exitCode).toBe(1)
    expect(fileCount()).toBe(files)
    expect(engine.journal).toEqual([])
  },
)

describe('repository accept', () => {
  test('asks before it takes an empty folder, and the next backup goes there', async () => {
    const lost = idOf(backups)
    unmount()
    const asked = await run(['repository', 'accept'], { ...stage, terminal: true, reply: 'y' })
    expect(asked.stderr).toContain(lost)
    expect(asked.asked).toContain('[y/N]')
    expect(asked.exitCode).toBe(0)
    expect(idOf(backups)).not.toBe(lost)
    expect((await run(['backup', 'app'], stage)).exitCode).toBe(0)
  })

  test.each<Partial<Stage>>([{ terminal: true, reply: '' }, {}])('changes nothing without a yes: %j', async (more) => {
    unmount()
    const { exitCode } = await run(['repository', 'accept'], { ...stage, ...more })
    expect(exitCode).toBe(2)
    expect(readdirSync(backups)).toEqual([])
    expect((await run(['list'], stage)).exitCode).toBe(1)
  })

  test('takes another repository with --yes, and says what it took', async () => {
    const lost = idOf(backups)
    await mountAnother()
    const { exitCode, json } = await run(['repository', 'accept', '--yes', '--json'], stage)
    const expected = { tier: 'local', expected: lost, found: idOf(backups), id: idOf(backups), snapshots: 1 }
    expect(acceptShape.parse(json())).toMatchObject({ outcome: 'complete', repositories: [expected] })
    expect(exitCode).toBe(0)
    expect((await run(['list'], stage)).exitCode).toBe(0)
  })

  test('of the repository that is known changes nothing', async () => {
    const { exitCode, stdout } = await run(['repository', 'accept'], stage)
    expect(stdout).toContain('is the one that was known, with 1 snapshot\n')
    expect(exitCode).toBe(0)
  })
})

describe('a state directory that knows no repository yet', () => {
  const fresh = () => ({ ...stage, state: join(folder, 'fresh') })

  test('takes the one that is there', async () => {
    const id = idOf(backups)
    const { exitCode, json } = await run(['list', '--json'], fresh())
    expect(listShape.parse(json()).snapshots).toHaveLength(1)
    expect(exitCode).toBe(0)
    expect(idOf(backups)).toBe(id)
    unmount()
    expect((await run(['list'], fresh())).exitCode, 'it is remembered from a listing on').toBe(1)
  })

  test('reads one that an older version stored without an id as it is, and gives it one with the first write', async () => {
    rmSync(join(backups, 'repository.json'))
    expect((await run(['list'], fresh())).exitCode).toBe(0)
    expect(existsSync(join(backups, 'repository.json'))).toBe(false)
    expect((await run(['backup', 'app'], fresh())).exitCode).toBe(0)
    expect(idOf(backups)).toMatch(/^[0-9a-f]{32}$/)
  })

  test('may lie beside a copy of the repository elsewhere', async () => {
    cpSync(backups, join(folder, 'copy'), { recursive: true })
    const copy = openArchive(join(folder, 'copy'))
    expect((await run(['list'], { ...stage, local: copy })).exitCode).toBe(0)
  })
})

test('a damaged id file is named, and nothing is written', async () => {
  writeFileSync(join(backups, 'repository.json'), '{"format": 1')
  const { exitCode, stderr } = await run(['backup', 'app'], stage)
  expect(stderr).toContain('repository.json does not hold the id of a repository')
  expect(exitCode).toBe(1)
  expect(engine.journal).toEqual([])
})
