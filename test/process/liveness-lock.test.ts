import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { holdLivenessLock, isLivenessLockHeld, takeDeadLock } from '../../src/lib/liveness-lock.ts'

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'liveness-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function sweep(folder: string): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('liveness-sweeper.ts', import.meta.url))
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  return child
}

test('a held lock is never lost to processes that sweep at the same time', async () => {
  const folder = makeFolder()
  const sweepers = [await sweep(folder), await sweep(folder)]
  const count = { held: 0, lost: 0 }
  while (count.held < 800) {
    using lock = holdLivenessLock(join(folder, `${count.held}.lock`))
    count.held += 1
    const until = performance.now() + 1
    while (performance.now() < until);
    if (!existsSync(lock.path)) count.lost += 1
  }
  expect(sweepers.map(({ exitCode }) => exitCode)).toEqual([null, null])
  expect(count.lost).toBe(0)
})

test('the lock of a dead holder is taken once, and goes with whoever took it', () => {
  const path = join(makeFolder(), 'dead.lock')
  writeFileSync(path, '')
  const taken = takeDeadLock(path)
  expect(taken?.path).toBe(path)
  expect(existsSync(path)).toBe(true)
  taken?.[Symbol.dispose]()
  expect(existsSync(path)).toBe(false)
  expect(takeDeadLock(path)).toBeUndefined()
})

test('asking for a lock that is not there creates no file', () => {
  const folder = makeFolder()
  expect(isLivenessLockHeld(join(folder, 'none.lock'))).toBe(false)
  expect(takeDeadLock(join(folder, 'none.lock'))).toBeUndefined()
  expect(readdirSync(folder)).toEqual([])
})
