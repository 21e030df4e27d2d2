import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** An engine that takes every request and never answers. */
async function startSilentEngine(folder: string) {
  const socket = join(folder, 'engine.sock')
  const server = createServer()
  server.listen(socket)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { address: `unix://${socket}`, asked: once(server, 'connection') }
}

test.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends a waiting command with exit code 130', async (name) => {
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
