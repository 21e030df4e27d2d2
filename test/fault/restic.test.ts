import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
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
  const files = (kind: string): string[] =>
    readdirSync(join(world.place, kind), { recursive: true, encoding: 'utf8' })
      .map((name) => join(world.place, kind, name))
      .filter((path) => statSync(path).isFile())
  const damages = async () => {
    const [verified, checked] = [
      await world.repository.verify(snapshot, never),
      await Array.fromAsync(world.repository.check({ readData: true, signal: never })),
    ]
    return [verified, checked].map((found) => found.some(({ id }) => id === 'one'))
  }
  beforeEach(async () => {
    const source = join(world.folder, 'source')
    mkdirSync(source)
    writeFileSync(join(source, 'file'), 'tree')
    snapshot = await put(world.repository, metaOf('one'), streamOf('dump', 'stream'), treeOf('data', source))
  })

  test.each(['flipped', 'cut', 'missing'])('is found when any pack is %s, and names the snapshot', async (how) => {
    for (const path of files('data')) {
      const before = readFileSync(path)
      execFileSync('chmod', ['u+w', path])
      if (how === 'missing') rmSync(path)
      else if (how === 'cut') truncateSync(path, 20)
      else
        writeFileSync(
          path,
          before.map((byte, index) => (index === 10 ? byte ^ 1 : byte)),
        )
      expect(await damages()).toEqual([true, true])
      writeFileSync(path, before)
    }
    expect(await damages()).toEqual([false, false])
  })

  test('is found when only the index at the end of a pack is cut, of which no snapshot needs a byte', async () => {
    const [path = ''] = files('data')
    execFileSync('chmod', ['u+w', path])
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
