import type { ClientRequest, IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { asBackupError, BackupError } from '../../errors.ts'
import { longSeconds, withDeadline } from '../../lib/deadline.ts'
import { beginRequest, firstAnswer, type HttpServer, type RequestHead, readText } from '../shared/http.ts'
import { type FormFile, frameFile } from './multipart.ts'

/** The address of the server, and the names that errors give it. */
export interface HttpPlace extends HttpServer {
  /** The name of the container in messages. */
  container: string
  /** The command that shows its log. */
  log: string
  apiKey?: string
  /** Says which key was sent, in a sentence without it. */
  sent: string
  signal: AbortSignal
  /** The code of the error where the server refuses a request. */
  failure: 'DUMP_FAILED' | 'RESTORE_FAILED'
}

export interface AskOptions {
  /** Sent as JSON. */
  body?: unknown
  /** Sent as the form field `snapshot`. */
  file?: FormFile
  /**
   * Default: 60; for `file` hours. The server is silent while it works, so that only the whole request can be limited.
   */
  timeoutSeconds?: number
  /** Further statuses that are an answer and no error. */
  accept?: number[]
}

export interface Answer {
  status: number
  text: string
  /** The time of the server's clock in whole seconds. */
  date: Date
}

/** HTTP with deadlines. Every failure is a BackupError that names the container and the request, never the key. */
export interface Http {
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>
  /** The body as a stream that fails when it is cut. `signal` ends it, as the signal of the place does. */
  download(path: string, signal: AbortSignal): Readable
  /** The same server for clean-up after an interruption: only deadlines end these requests. */
  detached(): Http
}

export function openHttp(place: HttpPlace): Http {
  return {
    ask: (method, path, options = {}) => ask(place, method, path, options),
    download: (path, signal) =>
      Readable.from(body(place, path, AbortSignal.any([place.signal, signal])), { objectMode: false }),
    detached: () => openHttp({ ...place, signal: new AbortController().signal }),
  }
}

async function ask(place: HttpPlace, method: string, path: string, options: AskOptions): Promise<Answer> {
  const { file, accept = [] } = options
  const what = `${method} ${path} of Qdrant in ${place.container}`
  using deadline = withDeadline(place.signal, options.timeoutSeconds ?? (file ? longSeconds : 60), what)
  try {
    deadline.throwIfAborted()
    const response = await respond(place, method, path, options, deadline)
    const text = await readText(response)
    const { statusCode: status = 0, headers } = response
    const isAnswer = (status >= 200 && status < 300) || accept.includes(status)
    if (!isAnswer) throw refusal(place, what, status, text)
    return { status, text, date: new Date(headers.date ?? Number.NaN) }
  } catch (error) {
    throw explain(place, what, deadline, error)
  }
}

/** Sends a request and returns the answer. That may come before the whole body is sent; the rest is not sent then. */
async function respond(
  place: HttpPlace,
  method: string,
  path: string,
  { body, file }: AskOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  if (file) {
    const { headers, content } = frameFile('snapshot', file)
    const request = start(place, { method, path, headers }, signal)
    const sending = pipeline(content, request).catch((error: unknown) => error)
    const response = await firstAnswer(request).catch(async (error) => {
      const cause = await sending
      throw cause instanceof BackupError ? cause : error
    })
    response.once('close', () => request.destroy())
    return response
  }
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers =
    text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  const request = start(place, { method, path, headers }, signal)
  const answer = firstAnswer(request)
  request.end(text)
  return answer
}

async function* body(place: HttpPlace, path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const what = `GET ${path} of Qdrant in ${place.container}`
  using deadline = withDeadline(signal, longSeconds, what)
  try {
    const request = start(place, { method: 'GET', path }, deadline)
    const answer = firstAnswer(request)
    request.end()
    const response = await answer
    if (response.statusCode !== 200) throw refusal(place, what, response.statusCode ?? 0, await readText(response))
    yield* response
  } catch (error) {
    throw explain(place, what, deadline, error)
  }
}

function start(place: HttpPlace, { headers, ...head }: RequestHead, signal: AbortSignal): ClientRequest {
  const key = place.apiKey === undefined ? {} : { 'api-key': place.apiKey }
  return beginRequest(place, { ...head, headers: { ...headers, ...key } }, signal)
}

function refusal(place: HttpPlace, what: string, status: number, text: string): BackupError {
  const said = /"error":\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text
  const message = `${what} answered ${status}: ${said.trim().replace(/\s+/g, ' ').slice(0, 500)}`
  if (/no space left/i.test(said)) return new BackupError('NO_SPACE', message, { hint: spaceHint })
  if (status !== 401 && status !== 403) return new BackupError(place.failure, message)
  const hint = `${place.sent} Set qdrant.api-key-env to the variable of ${place.container} that holds an API key with full access.`
  return new BackupError('AUTH_FAILED', message, { hint })
}

const spaceHint =
  'Free space where Qdrant keeps its storage and its snapshots: it needs room for the whole collection twice.'

/**
 * Our own errors stay as they are, and an abort becomes its reason. Any other error means that the connection failed.
 */
function explain(place: HttpPlace, what: string, deadline: AbortSignal, error: unknown): BackupError {
  if (error instanceof BackupError) return error
  if (deadline.aborted) return asBackupError(deadline.reason, 'INTERRUPTED')
  const message = `${what} on port ${place.port}: ${asBackupError(error).message}`
  // A server that cannot take an upload (1.13.1: a full disk) closes the connection instead of saying so.
  const brokenOff = (error as NodeJS.ErrnoException).code === 'EPIPE'
  const hint = brokenOff
    ? `It broke off in the middle: often its disk is full. ${place.log}`
    : `Does Qdrant run, and listen there (qdrant.port, qdrant.tls)? ${place.log}`
  return new BackupError('SERVICE_DOWN', message, { hint, cause: error })
}
