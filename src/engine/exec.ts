import { Readable, Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '../errors.ts'
import { withDeadline } from '../lib/deadline.ts'
import { pickErrorLines } from '../lib/error-lines.ts'
import type { Engine, ExecRequest, ExecSession } from './engine.ts'

const maxTextBytes = 16 * 1024 * 1024

/** A command with its deadline. `stdin` is not here, because it follows from `input`. */
export type CommandRequest = Omit<ExecRequest, 'stdin'> & { timeoutSeconds: number }

export interface CommandResult {
  exitCode: number
  stdout: string
  /** Standard error. Where it is longer than 8 KiB, the first and the last part of it are kept. */
  stderr: string
}

/**
 * Runs a command to its end. Any exit code is a result. Throws EXEC_FAILED where the program is not in the image, writes more than
 * 16 MiB, or exits 0 with input left unread; STREAM_CUT, TIMEOUT or the signal's reason after the command was ended.
 */
export async function execText(
  engine: Pick<Engine, 'exec'>,
  id: string,
  request: CommandRequest & { input?: Readable | string },
  signal: AbortSignal,
): Promise<CommandResult> {
  const { timeoutSeconds, input, ...command } = request
  const what = describe(command, id)
  using deadline = withDeadline(signal, timeoutSeconds, what)
  const source = typeof input === 'string' ? Readable.from([Buffer.from(input)]) : input
  const session = await engine.exec(id, { ...command, stdin: source !== undefined }, deadline).catch((error) => {
    source?.destroy()
    throw error
  })
  const stdout = collect(what)
  const [fed, read, ended] = await Promise.allSettled([
    feed(session, source),
    pipeline(session.output, stdout.sink),
    session.exitCode,
  ])
  if (deadline.aborted) throw deadline.reason
  const stoppedReading = fed.status === 'rejected' && isClosedPipe(fed.reason)
  if (fed.status === 'rejected' && !stoppedReading) throw fed.reason
  if (ended.status === 'rejected') throw ended.reason
  const result = { exitCode: ended.value, stdout: stdout.text(), stderr: session.stderr() }
  if (isMissingProgram(result)) throw failure(what, { ...result, stderr: result.stderr || result.stdout })
  // A command that fails may leave input unread and output unwritten: its failure is what counts.
  if (result.exitCode !== 0) return result
  if (stoppedReading) throw new BackupError('EXEC_FAILED', `${what}: ended before it had read its input`)
  if (read.status === 'rejected') throw read.reason
  return result
}

/**
 * Streams the output of a command. The stream ends cleanly only after exit code 0 and a whole transmission; otherwise it errors with
 * EXEC_FAILED, STREAM_CUT, TIMEOUT or the signal's reason. Destroying it ends the command. `input` flows as fast as the command reads;
 * where the command stops reading, its exit code alone counts.
 */
export async function execStream(
  engine: Pick<Engine, 'exec'>,
  id: string,
  request: CommandRequest & { input?: Readable },
  signal: AbortSignal,
): Promise<Readable> {
  const { timeoutSeconds, input, ...command } = request
  const what = describe(command, id)
  const deadline = withDeadline(signal, timeoutSeconds, what)
  try {
    const session = await engine.exec(id, { ...command, stdin: input !== undefined }, deadline)
    feed(session, input).catch(() => undefined)
    const release = () => deadline[Symbol.dispose]()
    session.exitCode.then(release, release)
    return awaitingExit(session, what)
  } catch (error) {
    deadline[Symbol.dispose]()
    input?.destroy()
    throw error
  }
}

/** Passes the output on, and its end only after exit code 0. An error passes after the command has ended, so that nothing runs on behind it. */
function awaitingExit({ output, exitCode, stderr }: ExecSession, what: string): Readable {
  const gate = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush(done) {
      const finish = (code: number) => done(code === 0 ? null : failure(what, { exitCode: code, stderr: stderr() }))
      exitCode.then(finish, done)
    },
  })
  output.on('error', (error) => {
    exitCode.then(
      () => gate.destroy(error),
      (reason) => gate.destroy(reason),
    )
  })
  gate.on('close', () => {
    if (!output.readableEnded) output.destroy()
  })
  return output.pipe(gate)
}

async function feed(session: ExecSession, source: Readable | undefined): Promise<void> {
  if (source && session.input) await pipeline(source, session.input)
}

function collect(what: string): { sink: Writable; text(): string } {
  const chunks: Buffer[] = []
  let bytes = 0
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      bytes += chunk.length
      done(bytes > maxTextBytes ? new BackupError('EXEC_FAILED', `${what}: more than 16 MiB of output`) : null)
    },
  })
  return { sink, text: () => Buffer.concat(chunks).toString('utf8') }
}

function isClosedPipe(error: unknown): boolean {
  return ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes((error as NodeJS.ErrnoException).code ?? '')
}

/** Answers whether the runtime could not start the program. Docker says so on standard output. A shell that finds no program says something else. */
function isMissingProgram({ exitCode, stdout, stderr }: CommandResult): boolean {
  const said = /OCI runtime|exec failed|unable to start container process/
  return (exitCode === 126 || exitCode === 127) && said.test(stderr || stdout)
}

/** The last five lines, and before them the first five that name an error: a program may quote a long statement after its error. */
function tellReason(stderr: string): string {
  const lines = stderr.trim().split('\n')
  const before = lines.slice(0, -5).join('\n')
  const errors = pickErrorLines(before, { names: /\b(ERROR|FATAL|PANIC|DETAIL):/, first: 5 })
  const told = [...errors, ...lines.slice(-5)]
  return told.map((line) => (line.length > 500 ? `${line.slice(0, 500)}…` : line)).join('\n')
}

/** Methods call all programs by scripts for this shell. */
const shell = '/bin/sh'
const shellHint =
  'Use an image of the service that has a shell. Without one: xnai.backup.method=files, which stops the service, and commands of labels as JSON arrays.'

function failure(what: string, result: { exitCode: number; stderr: string }): BackupError {
  if (what.startsWith(`${shell} in `) && isMissingProgram({ stdout: '', ...result })) {
    return new BackupError('TOOL_MISSING', `there is no ${what}`, { hint: shellHint })
  }
  const lines = tellReason(result.stderr)
  const message = `${what}: exit code ${result.exitCode}${lines && `\n${lines}`}`
  if (result.exitCode !== 126 && result.exitCode !== 127) return new BackupError('EXEC_FAILED', message)
  return new BackupError('EXEC_FAILED', message, {
    hint: 'The program was not found in the image, or may not be run by this user.',
  })
}

function describe({ command }: { command: string[] }, id: string): string {
  return `${command[0]} in ${/^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id}`
}
