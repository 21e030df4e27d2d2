import { once } from 'node:events'
import { createRequire } from 'node:module'
import { addAbortSignal, Duplex, type Readable, type Writable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { BackupError } from '../errors.ts'
import { withDeadline } from './deadline.ts'
import { ownFile } from './own-files.ts'
import { describeFailure, STDERR_TAIL_BYTES } from './program-failure.ts'
import { keepTail } from './tail.ts'

/**
 * Options that every program is started with. Secrets belong into the environment, because every user of the machine can read
 * argv.
 */
export interface ProgramOptions {
  /** An abort ends the program by SIGTERM, and five seconds later by SIGKILL. */
  signal: AbortSignal
  /** Variables that are added to those of this process. */
  environment?: Record<string, string>
  cwd?: string
  /**
   * What the program reads from descriptor 3, 4 and so on. Each ends with its text, or with its stream, however that ends. Secrets that
   * no environment shall hold may be given so.
   */
  inputs?: (string | Readable)[]
}

export interface RunOptions extends ProgramOptions {
  /** Default 60. */
  timeoutSeconds?: number
  input?: string | Uint8Array | Readable
  /** Descriptor of this process that the program reads as its standard input. Not together with `input`. */
  stdin?: number
  /** Descriptor of this process that the program gets as its standard output, which the result then lacks. */
  stdout?: number
}

export interface ProgramResult {
  exitCode: number
  /** At most 64 MiB: more is TOOL_FAILED. */
  stdout: string
  stderr: string
}

const require = createRequire(import.meta.url)

/**
 * Loads what starts programs, which is done at the first one otherwise. It takes 11 MiB and a tenth of a second, and an idle controller
 * starts none.
 */
export const loadPrograms = (): typeof import('./execa.ts') => require(ownFile('lib/execa.ts'))

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024
const GRACE_MS = 5000

/**
 * Runs a program to its end. Any exit code is a result. Throws TOOL_MISSING without the program, TOOL_FAILED where a signal ended it,
 * TIMEOUT, or the reason of an abort.
 */
export async function runProgram(command: string, args: string[], options: RunOptions): Promise<ProgramResult> {
  using deadline = withDeadline(options.signal, options.timeoutSeconds ?? 60, command)
  deadline.throwIfAborted()
  const { execa } = loadPrograms()
  const child = execa(command, args, {
    ...settingsOf(options),
    ...(options.input !== undefined && { input: options.input }),
    stdio: [stdinOf(options), stdoutOf(options), 'pipe', ...pipesOf(options)],
    reject: false,
    stripFinalNewline: false,
    maxBuffer: MAX_OUTPUT_BYTES,
    detached: true,
  })
  giveInputs(child, options)
  deadline.addEventListener('abort', endGroupOf(child), { once: true })
  const result = await child
  const { exitCode, isMaxBuffer } = result
  const [stdout, stderr] = [String(result.stdout ?? ''), String(result.stderr ?? '')]
  if (isMaxBuffer) throw new BackupError('TOOL_FAILED', `${command}: more than ${MAX_OUTPUT_BYTES} bytes of output`)
  if (exitCode === undefined || deadline.aborted) throw describeFailure(command, result, stderr, deadline)
  return { exitCode, stdout, stderr }
}

/** Does the same, and throws TOOL_FAILED with the last lines of standard error for any exit code but 0. */
export async function runChecked(command: string, args: string[], options: RunOptions): Promise<ProgramResult> {
  const result = await runProgram(command, args, options)
  if (result.exitCode !== 0) throw describeFailure(command, result, result.stderr, options.signal)
  return result
}

/**
 * Streams a program's standard output. It ends cleanly only after exit code 0. Destroying it ends the program, and it closes
 * after that.
 */
export function programStream(command: string, args: string[], options: ProgramOptions): Readable {
  return throughProgram(command, args, options, 'ignore')
}

/** Runs a program as a filter. The readable side ends cleanly only after exit code 0. Destroying the stream ends the program. */
export function filterThrough(command: string, args: string[], options: ProgramOptions): Duplex {
  return throughProgram(command, args, options, 'pipe')
}

/** A program that gets its input piece by piece, and whose output is not read. */
export interface FedProgram {
  /** Resolves when more may be written. Rejects once the program has failed. */
  write(text: string): Promise<void>
  /** Ends the input. Resolves after exit code 0, and rejects otherwise. */
  end(): Promise<void>
  /** Ends the program at once. Resolves when it has ended, and never rejects. */
  abandon(): Promise<void>
}

export function feedProgram(command: string, args: string[], options: ProgramOptions): FedProgram {
  const program = filterThrough(command, args, options).resume()
  const ended = finished(program)
  ended.catch(() => {}) // The next write or the end reports it.
  return {
    write: async (text) => {
      if (!program.write(text)) await Promise.race([once(program, 'drain'), ended])
    },
    end: () => {
      program.end()
      return ended
    },
    abandon: () => closeStream(program),
  }
}

/** Destroys a stream and waits until the program or file behind it has ended. Never rejects. */
export async function closeStream(stream: Readable): Promise<void> {
  stream.on('error', () => {})
  stream.destroy()
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve))
}

function throughProgram(command: string, args: string[], options: ProgramOptions, stdin: 'ignore' | 'pipe'): Duplex {
  options.signal.throwIfAborted()
  const { execa } = loadPrograms()
  const child = execa(command, args, {
    ...settingsOf(options),
    stdio: [stdin, 'pipe', 'pipe', ...pipesOf(options)],
    buffer: false,
    encoding: 'buffer',
    reject: false,
    detached: true,
  })
  giveInputs(child, options)
  const endGroup = endGroupOf(child)
  const stderr = readTail(child.stderr)
  const failure: Promise<BackupError | undefined> = child.then((result) =>
    result.exitCode === 0 ? undefined : describeFailure(command, result, stderr(), options.signal),
  )
  const unread = () => new BackupError('TOOL_FAILED', `${command}: ended before it had read all of its input`)
  const settle = (done: (error?: Error | null) => void) => (error?: Error | null) =>
    error ? void failure.then((cause) => done(cause ?? unread())) : done()
  child.stdin?.on('error', () => {})

  const stream = new Duplex({
    write: (chunk: Uint8Array, _encoding, done) => void child.stdin?.write(chunk, settle(done)),
    final: (done) => void (child.stdin ? child.stdin.end(settle(done)) : done()),
    read: () => void child.stdout.resume(),
    destroy: (error, done) => {
      endGroup()
      child.stdin?.destroy()
      child.stdout.destroy()
      void failure.then(() => done(error))
    },
  })
  child.stdout.on('data', (chunk: Uint8Array) => {
    if (!stream.push(chunk)) child.stdout.pause()
  })
  child.stdout.once('end', () => failure.then((cause) => (cause ? stream.destroy(cause) : stream.push(null))))
  // The program may fail before it ever opens its output.
  void failure.then((cause) => cause && stream.destroy(cause))
  if (stdin === 'ignore') stream.end()
  return addAbortSignal(options.signal, stream)
}

/**
 * Makes the function that ends a program and all that it started: SIGTERM, and SIGKILL five seconds later. Each program leads a process
 * group of its own. To end the program alone is not enough: bubblewrap that ends between the start of its child and their first exchange
 * leaves a child that waits for ever and holds the pipes open.
 */
function endGroupOf(child: { pid?: number | undefined } & PromiseLike<unknown>): () => void {
  let ended = false
  let timer: NodeJS.Timeout | undefined
  void Promise.resolve(child).finally(() => {
    ended = true
    clearTimeout(timer)
  })
  const send = (signal: NodeJS.Signals) => {
    // The number of a group that has ended may belong to another one by now.
    if (ended || child.pid === undefined) return
    try {
      process.kill(-child.pid, signal)
    } catch {
      // The group ends just now.
    }
  }
  return () => {
    send('SIGTERM')
    timer ??= setTimeout(() => send('SIGKILL'), GRACE_MS)
    if (ended) clearTimeout(timer)
  }
}

function settingsOf(options: ProgramOptions) {
  return {
    ...(options.environment && { env: options.environment }),
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  }
}

/** execa takes any descriptor. Its types know the first three. */
const stdinOf = ({ stdin, input }: RunOptions) => (stdin ?? (input === undefined ? 'ignore' : 'pipe')) as 'pipe'
const stdoutOf = ({ stdout }: RunOptions) => (stdout ?? 'pipe') as 'pipe'

const pipesOf = ({ inputs = [] }: ProgramOptions) => inputs.map(() => 'pipe' as const)

/** A program that ends early, or never reads one of them, fails or succeeds by its exit code, and not by this. */
function giveInputs(child: { stdio: unknown }, { inputs = [] }: ProgramOptions): void {
  const pipes = (child.stdio as (Writable | null)[]).slice(3)
  for (const [index, input] of inputs.entries()) {
    const pipe = pipes[index]
    if (!pipe) continue // The program could not be started.
    if (typeof input === 'string') pipe.on('error', () => {}).end(input)
    else void pipeline(input, pipe).catch(() => {})
  }
}

/** Reads the stream to its end, whatever its length. The function that it answers gives the last bytes as text. */
function readTail(stream: Readable): () => string {
  const { add, text } = keepTail(STDERR_TAIL_BYTES)
  stream.on('data', add)
  stream.on('error', () => {})
  return text
}
