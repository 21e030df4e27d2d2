import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../../lab/lab.ts'
import { openRestic } from '../../src/repository/restic.ts'
import { metaOf, never, put, streamOf, treeOf } from '../contract/repository.ts'
import { freePort } from '../support/free-port.ts'
import { openAt, resticFolder, resticPassword, resticTemplate } from '../support/restic.ts'

/** A local repository of restic, and an empty place on a server of restic. */
let folder: string
const servers: ReturnType<typeof spawn>[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'restic-remote-'))
})
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.kill()
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
  }
  rmSync(folder, { recursive: true, force: true })
})

async function serve(...flags: string[]): Promise<string> {
  const listen = `127.0.0.1:${await freePort()}`
  const options = ['--no-auth', ...flags, '--path', join(folder, 'served'), '--listen', listen]
  servers.push(spawn(join(resticFolder('trixie'), 'restic-rest-server'), options, { stdio: 'ignore' }))
  await eventually(async () => (await fetch(`http://${listen}/`)).status < 500 || undefined, 30, 'the server')
  return `rest:http://user:hidden@${listen}/`
}

test('an append-only server takes copies, whose files are cut as those of the local repository, and refuses to delete', async () => {
  using template = await resticTemplate('trixie')
  const local = openAt(join(folder, 'local'), 'trixie')
  template.copy(join(folder, 'local'))
  const program = join(resticFolder('trixie'), 'restic')
  const options = { password: 'another password', program, copiesFrom: local, appendOnly: true }
  const remote = openRestic(await serve('--append-only'), { ...options, home: join(folder, 'home') })
  mkdirSync(join(folder, 'source'))
  writeFileSync(join(folder, 'source/file'), 'content')
  const stored = await put(local, metaOf('one'), streamOf('dump', 'hello'), treeOf('data', join(folder, 'source')))
  await remote.copyFrom(local, [stored], { signal: never })
  const [copy] = await remote.list(never)
  expect(copy?.id).toBe('one')
  expect(await remote.verify(copy ?? stored, never)).toEqual([])
  expect(await remote.identity(never)).not.toBe(await local.identity(never))
  const { isRefused, answer } = await remote.tamper(never)
  expect({ isRefused, answer }).toEqual({ isRefused: true, answer: expect.not.stringContaining('hidden') })
  expect((await remote.tamper(never)).isRefused).toBe(true)
  expect(await remote.list(never), 'what was tried is no snapshot').toHaveLength(1)
})

test('a server that is no append-only one is found out', async () => {
  using template = await resticTemplate('trixie')
  template.copy(join(folder, 'served'))
  const program = join(resticFolder('trixie'), 'restic')
  const options = { password: resticPassword, program, home: join(folder, 'home'), appendOnly: true }
  const { isRefused } = await openRestic(await serve(), options).tamper(never)
  expect(isRefused).toBe(false)
})
