import { BackupError } from '../../errors.ts'
import {
  type Callback,
  decodeFailure,
  encodeArguments,
  encodeFailure,
  type FromChild,
  type ToChild,
} from './messages.ts'
import { type Child, endChild, giveBack, takeChild } from './pool.ts'

/** How long a child is waited for, in milliseconds. Tests give shorter times. */
export interface Patience {
  /** A child that gives no sign of life for so long waits for a file system that does not answer. */
  silenceMs: number
  /** After an abort it may clean up for so long, and then gets SIGKILL. */
  graceMs: number
  /** One that does not end after that is left alone: no signal ends a process within a system call that a dead server never answers. */
  killedMs: number
}

const PATIENCE: Patience = { silenceMs: 15 * 60_000, graceMs: 2000, killedMs: 2000 }

/**
 * Makes a function that runs the exported function `name` of the file `module` in a child process, so that neither much work nor a file
 * system that hangs stops this one. Its arguments and its answer are copied. One argument, or a field of one, MUST be a signal;
 * functions may be there likewise, take one argument, and answer nothing: numbers that they are told are added up before. The first
 * argument that is a text names the work in messages. It rejects with the error of the function, with the reason of the abort, with
 * TIMEOUT after a long silence, and with TOOL_FAILED where the child died.
 */
export function inChild<F extends (...args: never[]) => Promise<unknown>>(
  module: string,
  name: string,
  patience: Patience = PATIENCE,
): F {
  const run = async (...args: unknown[]) => {
    const { args: encoded, callbacks, signal } = encodeArguments(args)
    signal.throwIfAborted()
    const what = args.find((arg) => typeof arg === 'string') ?? 'a tree'
    const child = takeChild()
    return await converse(child, { kind: 'call', module, name, args: encoded }, { what, callbacks, signal, patience })
  }
  return run as unknown as F
}

interface Talk {
  what: string
  callbacks: Callback[]
  signal: AbortSignal
  patience: Patience
}

async function converse(child: Child, call: ToChild, { what, callbacks, signal, patience }: Talk): Promise<unknown> {
  const answer = Promise.withResolvers<unknown>()
  let stopped: { reason: unknown } | undefined
  let hasAnswered = false
  let timer: NodeJS.Timeout | undefined
  const wait = (ms: number, then: () => void) => {
    clearTimeout(timer)
    timer = setTimeout(then, ms)
  }
  const kill = (reason: unknown) => {
    stopped = { reason }
    endChild(child)
    wait(patience.killedMs, () => answer.reject(reason))
  }
  const listen = () => wait(patience.silenceMs, () => kill(silent(what, patience.silenceMs)))
  const abort = () => {
    stopped = { reason: signal.reason }
    child.process.send({ kind: 'abort', reason: encodeFailure(signal.reason) } satisfies ToChild, () => {})
    wait(patience.graceMs, () => kill(signal.reason))
  }
  const hear = (message: FromChild) => {
    hasAnswered = message.kind === 'done' || message.kind === 'failed'
    if (message.kind === 'done') answer.resolve(message.value)
    else if (message.kind === 'failed') answer.reject(stopped ? stopped.reason : decodeFailure(message.failure))
    else if (message.kind === 'tell') callbacks[message.callback]?.(message.value)
    if (!stopped) listen()
  }
  const died = (...how: unknown[]) => answer.reject(stopped ? stopped.reason : dead(what, child, how))
  child.process.on('message', hear).on('exit', died).on('error', died)
  signal.addEventListener('abort', abort, { once: true })
  try {
    listen()
    child.process.send(call, () => {}) // A child that cannot be reached has ended, which is heard.
    return await answer.promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    child.process.off('message', hear).off('exit', died).off('error', died)
    if (hasAnswered && !stopped) giveBack(child)
    else endChild(child)
  }
}

function silent(what: string, silenceMs: number): BackupError {
  const hint = 'Does the file system hang? Look at the server of the mount, and at the log of the kernel (dmesg).'
  return new BackupError('TIMEOUT', `${what}: the file system has not answered for ${silenceMs / 1000} s`, { hint })
}

function dead(what: string, child: Child, [how, signalName]: unknown[]): BackupError {
  if ((how as NodeJS.ErrnoException | null)?.code === 'ENOENT')
    return new BackupError('TOOL_MISSING', 'setpriv: no such program')
  const ended = signalName
    ? `was ended by ${signalName}`
    : `ended: ${how instanceof Error ? how.message : `exit code ${how}`}`
  return new BackupError('TOOL_FAILED', `${what}: the process that works on it ${ended}: ${child.stderr().trim()}`)
}
