import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { asBackupError } from '../../src/errors.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { poll } from '../../src/lib/deadline.ts'
import { openArchive } from '../../src/repository/archive.ts'
import type { Artifact, Repository } from '../../src/repository/repository.ts'
import { codeOf, each, metaOf, never, put, streamOf, treeOf } from '../contract/repository.ts'

let folder: string
let dir: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'crash-'))
  dir = join(folder, 'repository')
  mkdirSync(dir)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const incoming = () => readdirSync(join(dir, '.incoming'))

async function untilSwept(repository: Repository): Promise<void> {
  const isSwept = async () => {
    await repository.sweep(never)
    return incoming().length === 0
  }
  await poll(isSwept, { what: 'an empty folder', seconds: 60, clock: systemClock, signal: never })
}

describe('SIGKILL', () => {
  /** A real process that stages, tells how far it came, and goes no further. */
  async function killAt(step: string): Promise<void> {
    const script = join(import.meta.dirname, '../fixtures/stage-and-stay.ts')
    const child = spawn(process.execPath, [script, dir, step], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    expect(line.toString()).toBe('here\n')
    const repository = openArchive(dir)
    await repository.sweep(never)
    expect(incoming().length, 'a living process keeps its work').toBeGreaterThan(0)
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  test.each(['capture', 'staged'])(
    'in mid-stage (%s) leaves nothing listed, and the next sweep cleans',
    async (step) => {
      await killAt(step)
      const repository = openArchive(dir)
      expect(await repository.list(never)).toEqual([])
      expect(await Array.fromAsync(repository.check({ readData: true, signal: never }))).toEqual([])
      await untilSwept(repository)
      await put(repository, metaOf('next'), streamOf('dump', 'x'))
      expect((await repository.list(never)).map(({ id }) => id)).toEqual(['next'])
    },
  )
})

describe('SIGKILL while snapshots are removed', () => {
  /** Kills a real process as soon as the first of its snapshots has left its place. */
  async function killWhileRemoving(ids: string[]): Promise<void> {
    const archive = join(import.meta.dirname, '../../src/repository/archive.ts')
    const script = `
      const { openArchive } = await import(${JSON.stringify(archive)})
      await openArchive(${JSON.stringify(dir)}).remove(${JSON.stringify(ids)}, new AbortController().signal)
      setInterval(() => {}, 1000)`
    const moved = watch(join(dir, 'shop/redis'))
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
    await once(moved, 'change')
    child.kill('SIGKILL')
    await once(child, 'exit')
    moved.close()
  }

  test('leaves each of them whole or gone, and the next removal goes on', async () => {
    const repository = openArchive(dir)
    const dumps = Array.from({ length: 12 }, (_, index) => streamOf(`dump-${index}`, 'x'.repeat(100_000)))
    const ids = ['one', 'two', 'three']
    for (const id of [...ids, 'kept']) await put(repository, metaOf(id), ...dumps)
    await killWhileRemoving(ids)
    const left = (await repository.list(never)).map(({ id }) => id)
    expect(left).toContain('kept')
    expect(left.length).toBeLessThan(4)
    expect(readdirSync(join(dir, 'shop/redis')).sort()).toEqual(left.toSorted())
    expect(await Array.fromAsync(repository.check({ readData: true, signal: never }))).toEqual([])
    await untilSwept(repository)
    await repository.remove(ids, never)
    expect((await repository.list(never)).map(({ id }) => id)).toEqual(['kept'])
  })
})

describe('a full disk', () => {
  beforeEach(() => execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', dir]))
  afterEach(() => execFileSync('umount', [dir]))

  const noise: Artifact = {
    kind: 'stream',
    name: 'dump',
    open: async () => Readable.from(Array.from({ length: 50 }, () => crypto.getRandomValues(new Uint8Array(65_536)))),
  }

  test('is NO_SPACE, names the repository, and leaves nothing', async () => {
    const repository = openArchive(dir)
    await put(repository, metaOf('small'), streamOf('dump', 'x'))
    const error = await repository.stage(metaOf('large'), each(noise), { signal: never }).then(
      () => undefined,
      (cause: unknown) => asBackupError(cause),
    )
    expect(error?.code).toBe('NO_SPACE')
    expect(error?.message).toContain(`archive:${dir}`)
    expect(incoming()).toEqual([])
    expect((await repository.list(never)).map(({ id }) => id)).toEqual(['small'])
    await put(repository, metaOf('again'), streamOf('dump', 'y'))
  })

  test('while publishing is NO_SPACE and leaves nothing', async () => {
    const repository = openArchive(dir)
    const staged = await repository.stage(metaOf('one'), each(streamOf('dump', 'x')), { signal: never })
    fill(join(dir, 'filler'))
    const warnings = Array.from({ length: 2000 }, (_, index) => `warning ${index}`)
    expect(await codeOf(staged.publish(metaOf('one', { warnings }), never))).toBe('NO_SPACE')
    expect(incoming()).toEqual([])
    rmSync(join(dir, 'filler'))
    expect(await repository.list(never)).toEqual([])
  })

  test('where a tree is restored to is NO_SPACE', async () => {
    const source = join(folder, 'source')
    mkdirSync(source)
    writeFileSync(join(source, 'big'), Buffer.alloc(4_000_000, 'x'))
    const repository = openArchive(dir)
    const snapshot = await put(repository, metaOf('one'), treeOf('data', source))
    const to = join(dir, '.to')
    mkdirSync(to)
    expect(await codeOf(repository.extract(snapshot, 'data', to, { signal: never }))).toBe('NO_SPACE')
  })
})

function fill(path: string): void {
  execFileSync('sh', ['-c', 'head -c 10000000 /dev/zero > "$0" || true', path], { stdio: 'pipe' })
}

describe('a repository that is not as it should be', () => {
  test('a directory that is not there is unreachable, and is not made', async () => {
    const repository = openArchive(join(folder, 'gone'))
    expect(await codeOf(repository.list(never))).toBe('REPOSITORY_UNREACHABLE')
    expect(await codeOf(repository.stage(metaOf('one'), each(), { signal: never }))).toBe('REPOSITORY_UNREACHABLE')
    expect(existsSync(join(folder, 'gone'))).toBe(false)
  })

  test('folders and files of others are left alone', async () => {
    const repository = openArchive(dir)
    mkdirSync(join(dir, 'lost+found'))
    mkdirSync(join(dir, '.snapshots/a/b'), { recursive: true })
    writeFileSync(join(dir, 'README'), 'x')
    await put(repository, metaOf('one'), streamOf('dump', 'x'))
    expect((await repository.list(never)).map(({ id }) => id)).toEqual(['one'])
    expect(await Array.fromAsync(repository.check({ readData: true, signal: never }))).toEqual([])
    await repository.sweep(never)
    expect(readdirSync(dir).sort()).toEqual(['.incoming', '.snapshots', 'README', 'lost+found', 'shop'])
  })

  test('an id that is taken is not overwritten', async () => {
    const repository = openArchive(dir)
    const first = await put(repository, metaOf('one'), streamOf('dump', 'first'))
    expect(await codeOf(put(repository, metaOf('one'), streamOf('dump', 'second')))).toBe('REPOSITORY_FAILED')
    expect(await repository.verify(first, never)).toEqual([])
    expect(incoming()).toEqual([])
  })
})
