import { randomBytes } from 'node:crypto'
import { Socket } from 'node:net'
import { pipeline } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Exec } from 'dockerode'
import { asBackupError, BackupError } from '../errors.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { poll } from '../lib/deadline.ts'
import { type CallOptions, type Connection, libpod } from './connection.ts'
import { demultiplexer } from './demux.ts'
import type { ExecRequest, ExecSession } from './engine.ts'

const stderrBytes = 8 * 1024
/** Between the end of the stream and the engine's knowledge of the exit code lie milliseconds. */
const exitSeconds = 10
const killSeconds = 30
/** After so many milliseconds of SIGTERM comes SIGKILL. */
const termMs = 5_000
const marker = 'XNAI_BACKUP_EXEC'

/**
 * Podman looks for the detach sequence without a terminal too, and it cannot be switched off (containers/podman#28193).
 * It matches keys that arrive alone, one read each: sixteen in a row do not happen in the chunks of a stream.
 */
const detachKeys = Array.from({ length: 8 }, () => 'ctrl-],ctrl-_').join(',')

/**
 * Podman's own last words in the stream when it lost the command's output, as it does where a command leaves input unread:
 * conmon closes the socket between them, and what was still in it is gone. The stream ends cleanly all the same.
 */
const lostOutput = /Error: read unixpacket [^\n]*\n?$/

/** Starts a command in a container over a hijacked connection, and watches over it to its end. */
export async function startSession(
  connection: Connection,
  id: string,
  request: ExecRequest,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<ExecSession> {
  const mark = `${marker}=${randomBytes(8).toString('hex')}`
  const what = `exec ${request.command[0]} in ${id}`
  const secrets = Object.values(request.environment ?? {})
  const exec = await createExec(connection, id, request, mark, { what, signal, secrets })
  let killing: Promise<void> | undefined
  const kill = () => {
    killing ??= endCommand({ connection, id, exec, mark, what, clock, ...(request.user && { user: request.user }) })
    return killing
  }
  const socket = await attach(connection, exec, request, { what, signal, secrets }, kill)
  const stderr = keepTail(stderrBytes)
  const output = demultiplexer(stderr.add)
  pipeline(socket, output, () => undefined)

  const abort = () => output.destroy(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  const exitCode = awaitEnd()
  exitCode.catch(() => undefined)
  return { ...(request.stdin && { input: socket }), output, stderr: stderr.text, exitCode, kill }

  /** The exit code after a whole stream, or after the command closed its input; else the command is ended first. */
  async function awaitEnd(): Promise<number> {
    try {
      await finished(output, { writable: false }).catch((error) => {
        if (!stoppedReading(request, socket)) throw error
      })
      const code = await readExitCode(connection, exec, { what, clock })
      if (code === 0 && lostOutput.test(stderr.text())) throw new BackupError('STREAM_CUT', `${what}: ${stderr.text()}`)
      return code
    } catch (error) {
      await kill().catch((failure) => {
        const { code, message, hint } = asBackupError(error)
        const cause = new AggregateError([error, failure])
        throw new BackupError(code, `${message}; and the command could not be ended: ${failure.message}`, {
          hint,
          cause,
        })
      })
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }
}

async function createExec(
  connection: Connection,
  id: string,
  request: ExecRequest,
  mark: string,
  options: CallOptions,
): Promise<Exec> {
  const environment = Object.entries(request.environment ?? {}).map(([name, value]) => `${name}=${value}`)
  return connection.call(options, (abortSignal) =>
    connection.docker.getContainer(id).exec({
      Cmd: request.command,
      Env: [...environment, mark],
      AttachStdin: request.stdin ?? false,
      AttachStdout: true,
      AttachStderr: true,
      DetachKeys: detachKeys,
      ...(request.user && { User: request.user }),
      abortSignal,
    }),
  )
}

async function attach(
  connection: Connection,
  exec: Exec,
  request: ExecRequest,
  options: CallOptions,
  kill: () => Promise<void>,
): Promise<Socket> {
  let starting: Promise<unknown> | undefined
  try {
    const socket = await connection.call(options, (abortSignal) => {
      starting = exec.start({ hijack: true, stdin: request.stdin ?? false, Detach: false, Tty: false, abortSignal })
      return starting
    })
    if (socket instanceof Socket) return socket
    throw new BackupError('ENGINE_FAILED', `${options.what}: the engine did not upgrade the connection`, {
      hint: 'A proxy between here and the engine must let upgraded connections through.',
    })
  } catch (error) {
    starting?.then((late) => (late as Socket).destroy()).catch(() => undefined)
    if (starting) await kill()
    throw error
  }
}

/** EPIPE: the command closed its input, mostly because it ended. What it wrote before may be lost, its exit code is not. */
function stoppedReading(request: ExecRequest, socket: Socket): boolean {
  const systemCode = (socket.errored as NodeJS.ErrnoException | null)?.code
  return request.stdin === true && (systemCode === 'EPIPE' || systemCode === 'ECONNRESET')
}

interface ExecState {
  Running: boolean
  ExitCode: number | null
}

/** Undefined where the engine does not know the session (any more). */
async function inspectExec(connection: Connection, exec: Exec, what: string, signal: AbortSignal) {
  const request = { what, signal, seconds: exitSeconds }
  const state = await connection.callUnless([404], request, (abortSignal) => exec.inspect({ abortSignal }))
  return state as ExecState | undefined
}

/** Judges the end by inspect: a closed socket alone proves nothing, and Node calls a dead service's socket ended too. */
async function readExitCode(
  connection: Connection,
  exec: Exec,
  { what, clock }: { what: string; clock: Clock },
): Promise<number> {
  const cut = (reason: string, cause?: unknown) => new BackupError('STREAM_CUT', `${what}: ${reason}`, { cause })
  const look = async () => {
    const state = await inspectExec(connection, exec, what, new AbortController().signal)
    if (!state) throw cut('the engine lost the session before its exit code was read')
    return state.Running || state.ExitCode === null ? undefined : { code: state.ExitCode }
  }
  try {
    const options = { what, seconds: exitSeconds, everyMs: 20, clock, signal: new AbortController().signal }
    return (await poll(look, options)).code
  } catch (error) {
    if (error instanceof BackupError && error.code === 'STREAM_CUT') throw error
    throw cut('the connection ended before the command did', error)
  }
}

interface Running {
  connection: Connection
  id: string
  exec: Exec
  mark: string
  what: string
  clock: Clock
  user?: string
}

/**
 * No engine ends a command when its client goes away, and Podman before 5 has no call for it. So the command is found in
 * its container by the mark in its environment, which its children carry too, and signalled there. An image without a
 * shell is left to libpod's own call.
 */
async function endCommand(running: Running): Promise<void> {
  const { connection, exec, clock } = running
  const what = `end of ${running.what}`
  const signal = new AbortController().signal
  const began = clock.monotonicMs()
  const ended = async () => {
    const state = await inspectExec(connection, exec, what, signal)
    if (!state?.Running) return true
    const patient = clock.monotonicMs() - began < termMs
    const signalled = await signalMarked(running, patient ? 'TERM' : 'KILL').then(
      () => true,
      () => false,
    )
    if (!signalled || !patient) {
      await connection.request([404], { what, signal }, 'POST', libpod(`/exec/${exec.id}/remove`), { Force: true })
    }
    return undefined
  }
  /** A service that is just being started anew still has the command running. */
  const endedOrAway = () =>
    ended().catch((error) => {
      if (error instanceof BackupError && error.code === 'ENGINE_UNREACHABLE') return undefined
      throw error
    })
  await poll(endedOrAway, { what, seconds: killSeconds, everyMs: 100, clock, signal })
}

const signalScript = `for f in $(grep -ls -- "$0" /proc/[0-9]*/environ); do f=\${f#/proc/}; kill -s "$1" "\${f%/environ}"; done`

async function signalMarked({ connection, id, mark, what, user }: Running, name: 'TERM' | 'KILL'): Promise<void> {
  const request = { what: `end of ${what}`, signal: new AbortController().signal }
  const exec = await connection.call(request, (abortSignal) =>
    connection.docker.getContainer(id).exec({
      Cmd: ['/bin/sh', '-c', signalScript, mark, name],
      ...(user && { User: user }),
      abortSignal,
    }),
  )
  const answer = await connection.call(request, (abortSignal) => exec.start({ Detach: true, abortSignal }))
  answer.resume()
}

function keepTail(limit: number): { add(bytes: Buffer): void; text(): string } {
  let tail: Buffer = Buffer.alloc(0)
  return {
    add: (bytes) => {
      tail = Buffer.concat([tail, bytes.subarray(-limit)]).subarray(-limit)
    },
    text: () => tail.toString('utf8'),
  }
}
