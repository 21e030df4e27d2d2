import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { Prepared, Snapshot } from '../../src/repository/repository.ts'
import { each, metaOf, never, treeOf } from '../contract/repository.ts'
import { resticPerTest } from '../support/restic.ts'

const world = resticPerTest()

interface Own {
  id: string
  tags: string[]
  summary?: { files_unmodified: number; files_new: number; files_changed: number }
}

const stored = (): Own[] => JSON.parse(world.stock('snapshots', '--json'))
const tagged = (tag: string) => stored().filter(({ tags }) => tags.includes(tag))

/** A tree of files that are older than any pass over it. */
async function makeSource(names: string[]): Promise<string> {
  const source = join(world.folder, 'source')
  mkdirSync(source)
  for (const name of names) writeFileSync(join(source, name), name.repeat(1000))
  await sleep(200)
  return source
}

const prepare = (source: string) =>
  world.repository.prepare?.(metaOf('one'), [treeOf('data', source)], {
    signal: never,
    onWarning: () => {},
  }) as Promise<Prepared>

async function keep(source: string, prepared: Prepared): Promise<Snapshot> {
  const staged = await world.repository.stage(metaOf('one'), each(treeOf('data', source)), { signal: never, prepared })
  return await staged.publish(metaOf('one'), never)
}

const isWhole = async (snapshot: Snapshot, source: string): Promise<boolean> => {
  const { expected, actual } = await world.repository.proveTree(snapshot, 'data', source, { signal: never })
  return expected === actual
}

test('when the writers are held only what has changed since is read', async () => {
  const source = await makeSource(['one', 'two', 'three'])
  const prepared = await prepare(source)
  expect(prepared.isWhole).toBe(true)
  expect(await world.repository.list(never)).toEqual([])
  writeFileSync(join(source, 'two'), 'changed')
  utimesSync(join(source, 'two'), 1, 1)
  const snapshot = await keep(source, prepared)
  await prepared[Symbol.asyncDispose]()
  expect(await isWhole(snapshot, source)).toBe(true)
  expect(tagged('artifact=data')).toMatchObject([{ summary: { files_unmodified: 2, files_changed: 1 } }])
  // The next removal takes along what was read ahead.
  expect(tagged('ahead=data')).toHaveLength(1)
  await world.repository.remove(['one'], never)
  expect(stored()).toEqual([])
})

test('a mapped page that changes again without a new time, after it was read ahead, is read', async () => {
  const source = await makeSource(['quiet', 'mapped'])
  const writer = spawn('python3', ['-c', mapAndCount, join(source, 'mapped')], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void writer.kill('SIGKILL'))
  await once(writer.stdout, 'data')
  const prepared = await prepare(source)
  const ahead = readFileSync(join(source, 'mapped'))
  await sleep(100)
  // As a pause does it: the page stays mapped, and is not written back.
  writer.kill('SIGSTOP')
  expect(readFileSync(join(source, 'mapped'))).not.toEqual(ahead)
  const snapshot = await keep(source, prepared)
  await prepared[Symbol.asyncDispose]()
  expect(await isWhole(snapshot, source)).toBe(true)
  expect(tagged('artifact=data')).toMatchObject([{ summary: { files_unmodified: 1 } }])
})

/** Maps a file and counts in its first bytes. */
const mapAndCount = `
import mmap, sys, time
with open(sys.argv[1], 'r+b') as file:
    page = mmap.mmap(file.fileno(), 0)
    count = 0
    while True:
        count += 1
        page[0:8] = b'%08d' % count
        if count == 1: print('here', flush=True)
        time.sleep(0.001)
`
