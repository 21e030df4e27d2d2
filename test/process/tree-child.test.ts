import { spawn } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { asBackupError, BackupError } from '../../src/errors.ts'
import { inChild, type Patience } from '../../src/lib/child/in-child.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { poll } from '../../src/lib/deadline.ts'
import { clearTree as clearHere } from '../../src/lib/tree/clear.ts'
import { clearTree, fingerprintTree } from '../../src/lib/tree/in-child.ts'
import { openArchive } from '../../src/repository/archive.ts'
import type { Snapshot, SnapshotMeta, TreeArtifact } from '../../src/repository/repository.ts'
import { mountSilent } from '../support/silent-mount.ts'

const signal = new AbortController().signal
const stubborn = join(import.meta.dirname, '../fixtures/stubborn-calls.ts')

let folder: string
let root: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tree-child-'))
  root = join(folder, 'root')
  mkdirSync(root)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: unknown) => asBackupError(error).code,
  )

/** Files are many names of few inodes here: they are made faster. */
function fill(folders: number, from = 0): void {
  for (let outer = from; outer < from + folders; outer++) {
    const inside = join(root, String(outer))
    mkdirSync(inside)
    writeFileSync(join(inside, 'file'), 'x')
    for (let inner = 1; inner < 1000; inner++) linkSync(join(inside, 'file'), join(inside, String(inner)))
  }
}

const tickMs = 20
/** A machine with much else to do runs a timer late, but not so late on average. */
const latestMs = 400

/** Proves that the timers of this process run while the work is done. Work that is done at once in this process lets none of them run. */
async function expectFree(what: string, work: () => Promise<unknown>): Promise<void> {
  let ticks = 0
  const timer = setInterval(() => ticks++, tickMs)
  const began = performance.now()
  await work().finally(() => clearInterval(timer))
  expect(ticks, what).toBeGreaterThanOrEqual(Math.floor((performance.now() - began) / latestMs))
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const meta: SnapshotMeta = {
  id: 'one',
  project: 'shop',
  target: 'files',
  method: 'files',
  time: '2026-01-01T00:00:00.000Z',
  set: 'one',
  run: 'one',
  reason: 'manual',
  facts: {},
  container: { name: '', image: '', imageId: '', user: '' },
  engine: { name: '', version: '' },
  creator: '',
  quiesced: [],
  warnings: [],
}

function openRepository() {
  const dir = join(folder, 'repository')
  mkdirSync(dir)
  const repository = openArchive(dir)
  const tree: TreeArtifact = { kind: 'tree', name: 'data', root, origin: '/data', exclude: [] }
  async function* artifacts() {
    yield tree
  }
  const stage = (until: AbortSignal) => repository.stage(meta, artifacts(), { signal: until })
  return { repository, stage }
}

describe('a tree of many files stops nothing else', () => {
  test('while it is packed, unpacked, proven, fingerprinted and cleared', async () => {
    fill(4)
    const { repository, stage } = openRepository()
    const to = join(folder, 'to')
    mkdirSync(to)
    let snapshot: Snapshot | undefined
    await expectFree('pack', async () => {
      snapshot = await (await stage(signal)).publish(meta, signal)
    })
    await expectFree('unpack', () => repository.extract(snapshot as Snapshot, 'data', to, { signal }))
    await expectFree('prove', () => repository.proveTree(snapshot as Snapshot, 'data', to, { signal }))
    fill(96, 4)
    await expectFree('fingerprint', () => fingerprintTree(root, {}, signal))
    await expectFree('clear', () => clearTree(root, '.', { exclude: [], signal, onWarning: () => {} }))
    expect(readdirSync(root)).toEqual([])
  })

  test('an abort is heard before it is cleared', async () => {
    fill(5)
    const controller = new AbortController()
    setImmediate(() => controller.abort(new BackupError('INTERRUPTED', 'interrupted by a test')))
    const cleared = clearHere(root, '.', { exclude: [], signal: controller.signal, onWarning: () => {} })
    expect(await codeOf(cleared)).toBe('INTERRUPTED')
    expect(readdirSync(root)).not.toEqual([])
  })
})

describe('a file system that never answers', () => {
  const works: [string, (until: AbortSignal) => Promise<unknown>][] = [
    ['a fingerprint', (until) => fingerprintTree(root, {}, until)],
    ['a clearing', (until) => clearTree(root, '.', { exclude: [], signal: until, onWarning: () => {} })],
    ['a packing', (until) => openRepository().stage(until)],
  ]
  test.each(works)('%s hangs alone, and ends on an abort', async (_name, work) => {
    using _mount = mountSilent(root)
    const controller = new AbortController()
    let ended = false
    const result = codeOf(work(controller.signal)).finally(() => {
      ended = true
    })
    await systemClock.sleep(500, signal)
    expect(ended).toBe(false)
    controller.abort(new BackupError('INTERRUPTED', 'interrupted by a test'))
    expect(await result).toBe('INTERRUPTED')
  })
})

describe('a child process', () => {
  const patient: Patience = { silenceMs: 60_000, graceMs: 200, killedMs: 200 }
  const call = (name: string, patience = patient) =>
    inChild<(root: string, until: AbortSignal) => Promise<void>>(stubborn, name, patience)('/some/tree', signal)

  test('that gives no sign of life is ended with TIMEOUT, which names the tree', async () => {
    await expect(call('hang', { ...patient, silenceMs: 2000 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: '/some/tree: the file system has not answered for 2 s',
    })
  })

  test('that dies is TOOL_FAILED, which says how', async () => {
    await expect(call('die')).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: expect.stringContaining('/some/tree: the process that works on it was ended by SIGKILL'),
    })
  })

  test('passes on code, message, hint and cause of an error', async () => {
    const error = await call('fail').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(BackupError)
    expect(error).toMatchObject({
      code: 'NOT_STILL',
      message: '/some/tree changed',
      hint: 'Stop its writer.',
      cause: { message: 'no such entry', code: 'ENOENT' },
    })
  })

  test('does one call after the other', async () => {
    const pidOf = inChild<typeof import('../fixtures/stubborn-calls.ts').tellPid>(stubborn, 'tellPid')
    expect(await pidOf('/some/tree', signal)).toBe(await pidOf('/some/tree', signal))
  })

  test('that does not heed an abort is killed, and does not outlive the call', async () => {
    const controller = new AbortController()
    const ignore = inChild<typeof import('../fixtures/stubborn-calls.ts').ignore>(stubborn, 'ignore', patient)
    let pid = 0
    const onStart = (started: number) => {
      pid = started
      controller.abort(new BackupError('TIMEOUT', 'the window is over'))
    }
    expect(await codeOf(ignore('/some/tree', { signal: controller.signal, onStart }))).toBe('TIMEOUT')
    await poll(async () => !isAlive(pid), { what: 'the end of the child', seconds: 60, clock: systemClock, signal })
  })

  test('ends with the process that called it, even when that is killed', async () => {
    const caller = spawn(process.execPath, [join(import.meta.dirname, '../fixtures/call-and-stay.ts')])
    const [said] = (await new Promise((resolve) => caller.stdout.once('data', (...all) => resolve(all)))) as [Buffer]
    const pid = Number(String(said))
    expect(isAlive(pid)).toBe(true)
    caller.kill('SIGKILL')
    await poll(async () => !existsSync(`/proc/${pid}/cwd`), {
      what: 'the end of the child',
      seconds: 60,
      clock: systemClock,
      signal,
    })
  })
})
