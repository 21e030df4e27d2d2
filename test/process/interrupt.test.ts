import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { program } from '../../lab/program.ts'

/** An engine that takes every request, and answers none of them before `fail`, which answers all of them with an error. */
async function startSilentEngine(folder: string) {
  const path = join(folder, 'engine.sock')
  const released = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.resume()
    void released.promise.then(() =>
      socket.end('HTTP/1.1 500 Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
    )
  })
  server.listen(path)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { address: `unix://${path}`, asked: once(server, 'connection'), fail: () => released.resolve() }
}

test.for(['SIGINT', 'SIGTERM'] as const)('%s ends a waiting command with exit code 130', async (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'xnai-interrupt-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const engine = await startSilentEngine(folder)
  const env = { XNAI_BACKUP_STATE: join(folder, 'state'), CONTAINER_HOST: engine.address }
  const child = spawn(process.execPath, [program, 'status', '--json'], { env, stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'close')
  const output = text(child.stdout)
  await Promise.race([engine.asked, ended])
  child.kill(name)
  expect(await ended).toEqual([130, null])
  expect(JSON.parse(await output)).toMatchObject({ error: { code: 'INTERRUPTED', message: `interrupted by ${name}` } })
})

test('a command whose terminal goes away goes on to its end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'xnai-interrupt-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const engine = await startSilentEngine(folder)
  const answer = join(folder, 'answer')
  // As under `podman exec -it`, the program leads the session of its terminal, and is told when that ends.
  const command = `exec '${process.execPath}' '${program}' status --json >'${answer}'`
  const env = {
    ...{ XNAI_BACKUP_STATE: join(folder, 'state'), CONTAINER_HOST: engine.address },
    ...{ PATH: process.env.PATH, SHELL: '/bin/sh' },
  }
  const terminal = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: ['ignore', 'ignore', 'ignore'] })
  await Promise.race([engine.asked, once(terminal, 'close')])
  terminal.kill('SIGKILL')
  await once(terminal, 'close')
  engine.fail()
  const printed = () =>
    expect(JSON.parse(readFileSync(answer, 'utf8'))).toMatchObject({ error: { code: 'ENGINE_FAILED' } })
  await vi.waitFor(printed, 60_000)
})
