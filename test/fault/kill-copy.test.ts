import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openArchive } from '../../src/repository/archive.ts'
import type { Repository } from '../../src/repository/repository.ts'
import { metaOf, never, put, streamOf, treeOf } from '../contract/repository.ts'
import { openAt, resticFolder, resticPassword, resticTemplate } from '../support/restic.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kill-copy-'))
  for (const name of ['from', 'to', 'source']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'source/file'), Buffer.alloc(3_000_000, 'content '))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const script = join(import.meta.dirname, '../fixtures/copy-slowly.ts')

/** A process that copies, and is killed so many milliseconds after it began. */
async function killAfter(kind: string, ms: number): Promise<void> {
  const args = [script, kind, join(folder, 'from'), join(folder, 'to')]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const death = once(child, 'exit')
  setTimeout(() => child.kill('SIGKILL'), ms)
  await death
}

const fill = async (from: Repository) => {
  for (const id of ['one', 'two', 'three'])
    await put(from, metaOf(id), streamOf('dump', id), treeOf('data', join(folder, 'source')))
}

/** All that is listed is whole after the death, and the next copy completes the rest. */
async function expectCompleted(from: Repository, to: Repository): Promise<void> {
  const isWhole = async () => (await Array.fromAsync(to.check({ readData: true, signal: never }))).length === 0
  await to.sweep(never)
  expect(await isWhole()).toBe(true)
  await to.copyFrom(from, await from.list(never), { signal: never })
  expect((await to.list(never)).map(({ id }) => id).sort()).toEqual(['one', 'three', 'two'])
  expect(await isWhole()).toBe(true)
}

test.each([5, 40, 90])(
  'a copy between archives that is killed after %s ms leaves no part of a snapshot',
  async (ms) => {
    const [from, to] = [openArchive(join(folder, 'from')), openArchive(join(folder, 'to'))]
    await fill(from)
    await killAfter('archive', ms)
    await expectCompleted(from, to)
  },
)

test.each([600, 1800])(
  'a copy between repositories of restic that is killed after %s ms leaves no part of a snapshot, and no lock',
  async (ms) => {
    using template = await resticTemplate('trixie')
    for (const name of ['from', 'to']) template.copy(join(folder, name))
    const from = openAt(join(folder, 'from'), 'trixie')
    const to = openAt(join(folder, 'to'), 'trixie', { copiesFrom: from })
    await fill(from)
    await killAfter('restic', ms)
    await to.sweep(never)
    for (const name of ['from', 'to']) {
      const args = ['-r', join(folder, name), '--no-cache', '--no-lock', 'list', 'locks']
      const env = { ...process.env, RESTIC_PASSWORD: resticPassword }
      expect(execFileSync(join(resticFolder('trixie'), 'restic'), args, { env, encoding: 'utf8' }).trim()).toBe('')
    }
    await expectCompleted(from, to)
  },
)
