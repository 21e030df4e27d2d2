import { Socket } from 'node:net'
import type { Exec } from 'dockerode'
import { BackupError } from '../errors.ts'
import type { CallOptions, Connection } from './connection.ts'
import type { ExecRequest } from './engine.ts'

/**
 * Podman looks for the detach sequence without a terminal too, which cannot be switched off (containers/podman#28193). It matches keys
 * that arrive alone, in a read of their own each. Sixteen such reads in a row do not happen in the chunks of a stream.
 */
const detachKeys = Array.from({ length: 8 }, () => 'ctrl-],ctrl-_').join(',')
const inspectSeconds = 10

export interface ExecState {
  Running: boolean
  ExitCode: number | null
}

export function createExec(
  connection: Connection,
  id: string,
  request: ExecRequest,
  options: CallOptions,
): Promise<Exec> {
  return connection.call(options, (abortSignal) =>
    connection.docker.getContainer(id).exec({
      Cmd: request.command,
      Env: Object.entries(request.environment ?? {}).map(([name, value]) => `${name}=${value}`),
      AttachStdin: request.stdin ?? false,
      AttachStdout: true,
      AttachStderr: true,
      DetachKeys: detachKeys,
      ...(request.user && { User: request.user }),
      abortSignal,
    }),
  )
}

/** Starts the command. The socket takes its input and gives its output in frames. A socket that comes too late is closed. */
export async function attachExec(connection: Connection, exec: Exec, options: CallOptions): Promise<Socket> {
  let starting: Promise<unknown> | undefined
  const socket = await connection
    .call(options, (abortSignal) => {
      starting = exec.start({ hijack: true, Detach: false, Tty: false, abortSignal })
      return starting
    })
    .catch((error) => {
      starting?.then((late) => (late as Socket).destroy()).catch(() => undefined)
      throw error
    })
  if (socket instanceof Socket) return socket
  throw new BackupError('ENGINE_FAILED', `${options.what}: the engine did not upgrade the connection`, {
    hint: 'A proxy between here and the engine must let upgraded connections through.',
  })
}

/** Answers undefined where the engine does not know the session, or has forgotten it. */
export async function inspectExec(connection: Connection, exec: Exec, what: string): Promise<ExecState | undefined> {
  const request = { what, signal: new AbortController().signal, seconds: inspectSeconds }
  return connection.callUnless([404], request, (abortSignal) => exec.inspect({ abortSignal }))
}
