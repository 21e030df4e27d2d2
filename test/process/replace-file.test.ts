import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { ownerFor, replaceFile, stageFile } from '../../src/lib/replace-file.ts'

const owner = { uid: 4711, gid: 4712, mode: 0o640 }
let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xnai-replace-'))
  path = join(folder, 'data.db')
  writeFileSync(path, 'old', { mode: 0o644 })
})
afterEach(() => rmSync(folder, { recursive: true }))

const content = () => readFileSync(path, 'utf8')
const ownerNow = (file = path) => {
  const { uid, gid, mode } = statSync(file)
  return { uid, gid, mode: mode & 0o7777 }
}

describe('stageFile', () => {
  test('writes content, owner and mode beside the file and leaves the file alone until it is committed', async () => {
    await using staged = await stageFile(path, Readable.from(['ne', 'w']), owner)
    expect([readFileSync(staged.path, 'utf8'), ownerNow(staged.path)]).toEqual(['new', owner])
    expect(content()).toBe('old')
    await staged.commit()
    expect([content(), ownerNow(), readdirSync(folder)]).toEqual(['new', owner, ['data.db']])
  })

  test('sets the mode as it is given, whatever the umask and special bits are', async () => {
    await replaceFile(path, 'new', { ...owner, mode: 0o6777 })
    expect(ownerNow().mode).toBe(0o6777)
  })

  test('removes the new file when it is disposed before it was committed', async () => {
    await (await stageFile(path, 'new', owner))[Symbol.asyncDispose]()
    expect([content(), readdirSync(folder)]).toEqual(['old', ['data.db']])
  })

  test('leaves nothing behind when the content fails half-way', async () => {
    const broken = Readable.from(
      (async function* () {
        yield 'ne'
        throw new Error('cut')
      })(),
    )
    await expect(stageFile(path, broken, owner)).rejects.toThrow('cut')
    expect([content(), readdirSync(folder)]).toEqual(['old', ['data.db']])
  })

  test('destroys the content when there is no folder to write to', async () => {
    const unread = Readable.from(['new'])
    await expect(stageFile(join(folder, 'none', 'data.db'), unread, owner)).rejects.toThrow('ENOENT')
    expect(unread.destroyed).toBe(true)
  })

  test('a process killed while it writes leaves the old file whole, and the next one removes what it left', async () => {
    const script = join(import.meta.dirname, '../fixtures/replace-and-stay.ts')
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const ended = once(child, 'close')
    await Promise.race([once(child.stdout, 'data'), ended])
    child.kill('SIGKILL')
    expect(await ended).toEqual([null, 'SIGKILL'])
    expect([content(), readdirSync(folder).length]).toEqual(['old', 2])
    await replaceFile(path, 'new', owner)
    expect([content(), readdirSync(folder)]).toEqual(['new', ['data.db']])
  })

  test('keeps what is staged for another file of the folder', async () => {
    await using other = await stageFile(join(folder, 'other.db'), 'other', owner)
    await replaceFile(path, 'new', owner)
    expect(readFileSync(other.path, 'utf8')).toBe('other')
  })
})

describe('ownerFor', () => {
  const fallback = { uid: 1, gid: 2, mode: 0o600 }

  test('takes owner and mode of the file that is there', async () => {
    chownSync(path, 4711, 4712)
    chmodSync(path, 0o640)
    expect(await ownerFor(path, { mode: 0o644, fallback })).toEqual(owner)
  })

  test('takes the fallback where there is no file', async () => {
    expect(await ownerFor(join(folder, 'none'), { mode: 0o644, fallback })).toEqual(fallback)
  })

  test('takes the owner of the folder where there is no fallback either', async () => {
    chownSync(folder, 4711, 4712)
    expect(await ownerFor(join(folder, 'none'), { mode: 0o644 })).toEqual({ ...owner, mode: 0o644 })
  })
})
