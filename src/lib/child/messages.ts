import { BackupError, type ErrorCode } from '../../errors.ts'

/** What a process says to a child of its own, and the child to it. The text of `name` is that of an exported function. */
export type ToChild =
  | { kind: 'call'; module: string; name: string; args: unknown[] }
  | { kind: 'abort'; reason: Failure }
export type FromChild =
  | { kind: 'alive' }
  | { kind: 'tell'; callback: number; value: unknown }
  | { kind: 'done'; value: unknown }
  | { kind: 'failed'; failure: Failure }

/** An error as it passes between processes. The class is lost on the way, and is found again by its name. */
export interface Failure {
  name: string
  message: string
  code?: string
  hint?: string
  cause?: Failure
}

export function encodeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, cause } = error
  const { code, hint } = error as { code?: unknown; hint?: unknown }
  return {
    name,
    message,
    ...(typeof code === 'string' && { code }),
    ...(typeof hint === 'string' && { hint }),
    ...(cause !== undefined && { cause: encodeFailure(cause) }),
  }
}

export function decodeFailure({ name, message, code, hint, cause }: Failure): Error {
  const origin = cause && { cause: decodeFailure(cause) }
  if (name === 'BackupError') return new BackupError(code as ErrorCode, message, { ...origin, ...(hint && { hint }) })
  return Object.assign(new Error(message, origin), { name, ...(code && { code }) })
}

export type Callback = (value: unknown) => void

/** Stands for a signal or a function among the arguments, neither of which can be copied into another process. */
type Stand = { standsFor: 'signal' } | { standsFor: 'callback'; index: number }

const isStand = (value: unknown): value is Stand => isRecord(value) && 'standsFor' in value

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** Arguments of a call with stands for its signal and its functions, which may be arguments or fields of one. */
export function encodeArguments(args: unknown[]): { args: unknown[]; callbacks: Callback[]; signal: AbortSignal } {
  const callbacks: Callback[] = []
  let signal: AbortSignal | undefined
  const encode = (value: unknown): unknown => {
    if (value instanceof AbortSignal) {
      signal = value
      return { standsFor: 'signal' } satisfies Stand
    }
    if (typeof value === 'function') {
      return { standsFor: 'callback', index: callbacks.push(value as Callback) - 1 } satisfies Stand
    }
    return value
  }
  const encoded = args.map((arg) => (isRecord(arg) ? mapFields(arg, encode) : encode(arg)))
  if (!signal) throw new BackupError('INTERNAL', 'a call in a child process needs a signal')
  return { args: encoded, callbacks, signal }
}

export function decodeArguments(
  args: unknown[],
  signal: AbortSignal,
  tell: (callback: number, value: unknown) => void,
): unknown[] {
  const decode = (value: unknown): unknown => {
    if (!isStand(value)) return value
    const stand = value
    return stand.standsFor === 'signal' ? signal : (told: unknown) => tell(stand.index, told)
  }
  return args.map((arg) => (isRecord(arg) && !isStand(arg) ? mapFields(arg, decode) : decode(arg)))
}

const mapFields = (record: Record<string, unknown>, change: (value: unknown) => unknown) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
