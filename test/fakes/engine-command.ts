import { PassThrough, pipeline, Readable } from 'node:stream'
import type { ContainerFacts, ExecRequest, ExecSession } from '../../src/engine/engine.ts'
import { BackupError } from '../../src/errors.ts'

/**
 * Answers a command of a container, or undefined where it does not know the command. A command that nobody knows is not
 * in the image.
 */
export type FakeCommand = (call: FakeCall) => ExecSession | FakeAnswer | undefined

export interface FakeCall {
  container: ContainerFacts
  request: ExecRequest
  signal: AbortSignal
  /** What was written to the command's standard input. */
  input: Readable
}

export interface FakeAnswer {
  stdout?: string | Buffer | AsyncIterable<Buffer>
  stderr?: string
  exitCode?: number
  /** The connection breaks after `stdout`. */
  cut?: boolean
}

/** Has the first of `commands` that knows the request answer it. */
export function runCommand(
  commands: FakeCommand[],
  container: ContainerFacts,
  request: ExecRequest,
  signal: AbortSignal,
): ExecSession {
  const input = new PassThrough()
  for (const command of commands) {
    const answer = command({ container, request, signal, input })
    if (answer && 'output' in answer) return answer
    if (answer) return answered(answer, request, input, signal)
  }
  const stderr = `exec failed: "${request.command[0]}": executable file not found in $PATH`
  return answered({ stderr, exitCode: 127 }, request, input, signal)
}

function answered(answer: FakeAnswer, request: ExecRequest, input: PassThrough, signal: AbortSignal): ExecSession {
  const output = new PassThrough()
  pipeline(Readable.from(send(answer), { objectMode: false }), output, () => undefined)
  const exitCode = new Promise<number>((resolve, reject) => {
    output.once('end', () => resolve(answer.exitCode ?? 0))
    output.once('error', reject)
  })
  exitCode.catch(() => undefined)
  signal.addEventListener('abort', () => output.destroy(signal.reason), { once: true })
  return {
    ...(request.stdin && { input }),
    output,
    stderr: () => answer.stderr ?? '',
    exitCode,
    kill: async () => void output.destroy(new BackupError('STREAM_CUT', 'killed')),
  }
}

async function* send({ stdout, cut }: FakeAnswer): AsyncGenerator<Buffer> {
  if (typeof stdout === 'string' || Buffer.isBuffer(stdout)) yield Buffer.from(stdout)
  else if (stdout) yield* stdout
  if (cut) throw new BackupError('STREAM_CUT', 'the connection broke')
}
