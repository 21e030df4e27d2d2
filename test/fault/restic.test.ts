import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../lab/lab.ts'
import type { Snapshot } from '../../src/repository/repository.ts'
import { metaOf, never, put, streamOf, treeOf } from '../contract/repository.ts'
import { openAt, resticFolder, resticPerTest } from '../support/restic.ts'

const world = resticPerTest()

const stored = (): string[] => JSON.parse(world.stock('snapshots', '--json', '--no-lock'))
const locks = (): string => world.stock('list', 'locks', '--no-lock').trim()

/** Starts a process that stages, waits until it is at the step, and kills it by SIGKILL. */
async function killAt(step: string, whileAlive = async () => {}): Promise<void> {
  const script = join(import.meta.dirname, '../fixtures/restic-and-stay.ts')
  const child = spawn(process.execPath, [script, world.place, step], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  await whileAlive()
  child.kill('SIGKILL')
  await once(child, 'exit')
}

describe('a controller that is killed', () => {
  test('in mid dump leaves no snapshot of restic, and a sweep removes its lock', async () => {
    await killAt('in mid dump', async () => {
      await eventually(() => locks() !== '' || undefined, 60, 'the lock of a backup')
    })
    await world.repository.sweep(never)
    expect(locks()).toBe('')
    expect(stored()).toEqual([])
    expect(await world.repository.list(never)).toEqual([])
  })

  test('after it has read a tree ahead leaves what a sweep removes', async () => {
    await killAt('read ahead')
    expect(stored()).toHaveLength(1)
    await world.repository.sweep(never)
    expect(stored()).toEqual([])
  })

  test('before it has published leaves what a sweep removes, and nothing is listed', async () => {
    await killAt('staged')
    expect(stored()).toHaveLength(1)
    expect(await world.repository.list(never)).toEqual([])
    await put(world.repository, metaOf('one'), streamOf('dump', 'x'))
    await world.repository.sweep(never)
    expect(stored()).toHaveLength(2)
    expect((await world.repository.list(never)).map(({ id }) => id)).toEqual(['one'])
  })
})

test('a sweep of another control plane leaves alone what it knows nothing of', async () => {
  await killAt('staged')
  const other = join(world.folder, 'other')
  mkdirSync(other)
  execFileSync('cp', ['-a', `${world.place}/.`, other])
  await openAt(other, 'trixie').sweep(never)
  expect(readdirSync(join(other, 'snapshots'))).toHaveLength(1)
})

describe('a damaged repository', () => {
  let snapshot: Snapshot
  const packs = (): string[] =>
    readdirSync(join(world.place, 'data'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      statSync(join(world.place, 'data', name)).isFile(),
    )
  /** Whether a read-back and a check find the snapshot damaged. */
  const damages = async (repository = world.repository) => {
    const found = await Promise.all([
      repository.verify(snapshot, never),
      Array.fromAsync(repository.check({ readData: true, signal: never })),
    ])
    return found.map((damage) => damage.some(({ id }) => id === 'one'))
  }
  /** What they find in a copy of the repository in which `damage` was done to one of its packs. */
  const damagesOfCopy = async (pack: string, damage: (path: string) => void) => {
    const copy = mkdtempSync(join(world.folder, 'copy-'))
    cpSync(world.place, copy, { recursive: true })
    const path = join(copy, 'data', pack)
    chmodSync(path, 0o600)
    damage(path)
    return await damages(openAt(copy, 'trixie'))
  }
  beforeEach(async () => {
    const source = join(world.folder, 'source')
    mkdirSync(source)
    writeFileSync(join(source, 'file'), 'tree')
    snapshot = await put(world.repository, metaOf('one'), streamOf('dump', 'stream'), treeOf('data', source))
  })

  const flip = (path: string) =>
    writeFileSync(
      path,
      readFileSync(path).map((byte, index) => (index === 10 ? byte ^ 1 : byte)),
    )
  test.each([
    ['flipped', flip],
    ['cut', (path: string) => truncateSync(path, 20)],
    ['missing', (path: string) => rmSync(path)],
  ])('is found when any pack is %s, and names the snapshot', async (_how, damage) => {
    expect(packs().length).toBeGreaterThan(1)
    const found = await Promise.all(packs().map((pack) => damagesOfCopy(pack, damage)))
    expect(found).toEqual(packs().map(() => [true, true]))
    expect(await damages()).toEqual([false, false])
  })

  test('is found when only the index at the end of a pack is cut, of which no snapshot needs a byte', async () => {
    const path = join(world.place, 'data', packs()[0] ?? '')
    chmodSync(path, 0o600)
    truncateSync(path, statSync(path).size - 1)
    const found = await Array.fromAsync(world.repository.check({ readData: true, signal: never }))
    expect(found).toMatchObject([{ id: '', reason: expect.stringContaining('pack') }])
    expect(await world.repository.verify(snapshot, never)).toEqual([])
  })

  test('is found when the snapshot of an artifact was forgotten by hand', async () => {
    const [dump] = snapshot.artifacts as { stored: { snapshot: string } }[]
    world.stock('forget', dump?.stored.snapshot ?? '')
    expect(await world.repository.list(never)).toEqual([])
    expect(await damages()).toEqual([true, true])
  })
})

test('a wrong password and a restic that is too old are named', async () => {
  const { openRestic } = await import('../../src/repository/restic.ts')
  const home = join(world.folder, 'home')
  const wrong = openRestic(world.place, { password: 'wrong', home, program: join(resticFolder('trixie'), 'restic') })
  const failure = await wrong.list(never).catch((error) => error)
  expect(failure).toMatchObject({ code: 'REPOSITORY_FAILED', hint: expect.stringContaining('local-password') })
  expect(failure.message).toContain('the password is wrong')
  const old = join(world.folder, 'restic')
  writeFileSync(old, '#!/bin/sh\necho restic 0.14.0 compiled with go1.19.8 on linux/amd64\n', { mode: 0o755 })
  const refused = openRestic(world.place, { password: 'x', home, program: old }).list(never)
  await expect(refused).rejects.toMatchObject({
    code: 'TOOL_MISSING',
    message: expect.stringContaining('restic 0.14.0'),
  })
})
