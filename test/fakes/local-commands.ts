import { spawn } from 'node:child_process'
import { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { FakeCommand } from './engine.ts'

/** For `fakeEngine`: commands run on this machine, as processes of their own that end with the session. */
export const localCommands: FakeCommand = ({ request, signal }) => {
  const [file = '', ...args] = request.command
  if (file !== 'sh') return undefined
  const env = { PATH: process.env.PATH, ...request.environment }
  const child = spawn(file, args, { env, detached: true, stdio: [request.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'] })
  const { stdout: output, stderr: errors } = child
  if (!output || !errors) throw new Error('no pipes')
  let stderr = ''
  errors.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-8192)
  })
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 137)))
  const kill = async () => {
    // The group is gone when the command has ended already.
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid as number), 'SIGKILL')
    await ended
  }
  const abort = () => output.destroy(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  const awaitEnd = async () => {
    try {
      await finished(output, { writable: false })
      return await ended
    } catch (error) {
      output.destroy()
      await kill()
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }
  const exitCode = awaitEnd()
  exitCode.catch(() => undefined)
  const input = child.stdin && Duplex.from(child.stdin)
  return { ...(input && { input }), output, stderr: () => stderr, exitCode, kill }
}
