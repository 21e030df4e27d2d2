import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { asBackupError, BackupError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import { poll } from '../lib/deadline.ts'
import { keepEnds } from '../lib/tail.ts'
import type { Connection } from './connection.ts'
import { demultiplex } from './demux.ts'
import { endCommand, type MarkedExec, makeMark } from './end-command.ts'
import type { ExecRequest, ExecSession } from './engine.ts'
import { attachExec, createExec, inspectExec } from './exec-calls.ts'

const stderrBytes = 8 * 1024
/** Longest wait for the exit code after the end of the stream. The engine needs milliseconds. */
const exitSeconds = 10
/** After the end of the command, its input gets this long to end by itself. */
const inputGraceMs = 2_000

/**
 * Podman writes this as the last line of the stream when it has lost the command's output. It happens where a command leaves input
 * unread: conmon closes the socket, and what was still in it is gone. The stream ends cleanly all the same.
 */
const lostOutput = /Error: read unixpacket [^\n]*\n?$/

/** Starts a command in a container over a hijacked connection. Whatever ends the session early also ends the command. */
export async function startSession(
  connection: Connection,
  containerId: string,
  request: ExecRequest,
  signal: AbortSignal,
  clock: Clock,
): Promise<ExecSession> {
  const mark = makeMark()
  const what = `exec ${request.command[0]} in ${containerId}`
  const options = { what, signal, secrets: Object.values(request.environment ?? {}) }
  const marked = { ...request, environment: { ...request.environment, ...mark } }
  const exec = await createExec(connection, containerId, marked, options)
  const command = { connection, containerId, exec, mark, what, clock, ...(request.user && { user: request.user }) }
  let ending: Promise<void> | undefined
  const kill = () => {
    ending ??= endCommand(command)
    return ending
  }
  const socket = await attachExec(connection, exec, options).catch(async (error) => {
    throw await endAfter(error, kill)
  })
  const stderr = keepEnds(stderrBytes)
  const output = demultiplex(socket, stderr.add)

  const abort = () => output.destroy(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  const exitCode = awaitEnd(command, output, stderr.text, () => request.stdin === true && isClosedByPeer(socket))
    .catch(async (error) => {
      throw await endAfter(error, kill)
    })
    .finally(() => {
      signal.removeEventListener('abort', abort)
      closeSoon(socket)
    })
  exitCode.catch(() => undefined)
  return { ...(request.stdin && { input: socket }), output, stderr: stderr.text, exitCode, kill }
}

/** Waits for the end of the stream and answers the exit code. A stream that breaks because the command stopped reading is no error. */
async function awaitEnd(
  command: MarkedExec,
  output: Readable,
  stderr: () => string,
  stoppedReading: () => boolean,
): Promise<number> {
  await finished(output, { writable: false }).catch((error) => {
    if (!stoppedReading()) throw error
  })
  const exitCode = await readExitCode(command)
  if (exitCode !== 0 || !lostOutput.test(stderr())) return exitCode
  throw new BackupError('STREAM_CUT', `${command.what}: Podman lost its output: ${stderr().trim()}`)
}

/** Ends the command and answers the error to throw: `error`, with a second one where the command could not be ended. */
async function endAfter(error: unknown, kill: () => Promise<void>): Promise<unknown> {
  try {
    await kill()
    return error
  } catch (failure) {
    const { code, message, hint } = asBackupError(error)
    const text = `${message}; and the command could not be ended: ${asBackupError(failure).message}`
    return new BackupError(code, text, { hint, cause: new AggregateError([error, failure]) })
  }
}

/** Answers whether the command closed its input, mostly because it ended. Its last output may be lost then; its exit code is not. */
function isClosedByPeer(socket: Socket): boolean {
  const systemCode = (socket.errored as NodeJS.ErrnoException | null)?.code
  return systemCode === 'EPIPE' || systemCode === 'ECONNRESET'
}

/** Closes the connection when the command has left input unread: Docker keeps it and reads nothing more, so that a writer would wait for ever. */
function closeSoon(socket: Socket): void {
  const unread = Object.assign(new Error('the command left input unread'), { code: 'EPIPE' })
  const timer = setTimeout(() => socket.destroy(unread), inputGraceMs)
  socket.once('close', () => clearTimeout(timer))
  if (socket.closed) clearTimeout(timer)
}

/** Asks the engine for the exit code. A closed socket alone proves nothing: Node reports the socket of a dead service as ended, too. */
async function readExitCode({ connection, exec, what, clock }: MarkedExec): Promise<number> {
  const findExitCode = async () => {
    const state = await inspectExec(connection, exec, what)
    if (!state) throw new BackupError('STREAM_CUT', `${what}: the engine lost the session, and the exit code with it`)
    return state.Running || state.ExitCode === null ? undefined : { exitCode: state.ExitCode }
  }
  try {
    const { signal } = new AbortController()
    return (await poll(findExitCode, { what, seconds: exitSeconds, everyMs: 20, clock, signal })).exitCode
  } catch (error) {
    if (error instanceof BackupError && error.code === 'STREAM_CUT') throw error
    throw new BackupError('STREAM_CUT', `${what}: the connection ended before the command did`, { cause: error })
  }
}
