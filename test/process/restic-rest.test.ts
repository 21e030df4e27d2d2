import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../../lab/lab.ts'
import { openRestic } from '../../src/repository/restic.ts'
import { metaOf, never, put, streamOf, treeOf } from '../contract/repository.ts'
import { freePort } from '../support/free-port.ts'
import { resticFolder, resticPassword, resticTemplate } from '../support/restic.ts'

/** An append-only REST server with a repository in it. */
let folder: string
let address: string
let server: ReturnType<typeof spawn>
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'restic-rest-'))
  using template = await resticTemplate('trixie')
  template.copy(join(folder, 'served'))
  const listen = `127.0.0.1:${await freePort()}`
  const options = ['--no-auth', '--append-only', '--path', join(folder, 'served'), '--listen', listen]
  server = spawn(join(resticFolder('trixie'), 'restic-rest-server'), options, { stdio: 'ignore' })
  address = `rest:http://user:hidden@${listen}/`
  await eventually(async () => (await fetch(`http://${listen}/config`)).ok || undefined, 30, 'the server')
})
afterEach(async () => {
  server.kill()
  if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
  rmSync(folder, { recursive: true, force: true })
})

test('a repository on an append-only server takes, proves and gives back, and says that it keeps all', async () => {
  const program = join(resticFolder('trixie'), 'restic')
  const repository = openRestic(address, { password: resticPassword, home: join(folder, 'home'), program })
  expect(repository.url).not.toContain('hidden')
  const source = join(folder, 'source')
  mkdirSync(source)
  writeFileSync(join(source, 'file'), 'tree')
  const snapshot = await put(repository, metaOf('one'), streamOf('dump', 'hello'), treeOf('data', source))
  expect(await repository.list(never)).toEqual([snapshot])
  expect((await buffer(await repository.open(snapshot, 'dump', never))).toString()).toBe('hello')
  const to = join(folder, 'to')
  mkdirSync(to)
  await repository.extract(snapshot, 'data', to, { signal: never })
  const { expected, actual } = await repository.proveTree(snapshot, 'data', to, { signal: never })
  expect(actual).toBe(expected)
  expect(await Array.fromAsync(repository.check({ readData: true, signal: never }))).toEqual([])
  expect(await repository.freeBytes()).toBeUndefined()
  const hint = expect.stringContaining('append-only')
  await expect(repository.remove(['one'], never)).rejects.toMatchObject({ code: 'REPOSITORY_FAILED', hint })
  expect(await repository.list(never)).toHaveLength(1)
})
