import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { asBackupError, BackupError } from '../../errors.ts'
import { withDeadline } from '../../lib/deadline.ts'
import { type FormFile, frameFile } from './multipart.ts'

/** Where the server is, and how its failures are named. */
export interface HttpPlace {
  /** Name of the container, for messages. */
  container: string
  host: string
  port: number
  tls: boolean
  apiKey?: string
  signal: AbortSignal
  /** Code of a request that the server refused. */
  failure: 'DUMP_FAILED' | 'RESTORE_FAILED'
}

export interface AskOptions {
  /** Sent as JSON. */
  body?: unknown
  /** Sent as the form field `snapshot`. */
  file?: FormFile
  /** Default 60. The server is silent while it works, so that only an end to all patience can be set. */
  timeoutSeconds?: number
  /** Further statuses that are an answer and no failure. */
  accept?: number[]
}

export interface Answer {
  status: number
  text: string
  /** The server's clock, whole seconds. */
  date: Date
}

/** HTTP with deadlines. Every failure is a BackupError that names the container and the request, never the key. */
export interface Http {
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>
  /** The body as a stream that fails when it is cut; `signal` ends it besides the place's own. */
  download(path: string, signal: AbortSignal): Readable
  /** The same server, for clean-up after an interruption: only deadlines end its requests. */
  detached(): Http
}

/** Answers are lists and settings, at most a few points. */
const maxAnswerBytes = 64 * 1024 * 1024
/** Hours: a whole collection has to pass. */
const transferSeconds = 12 * 3600

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
  using deadline = withDeadline(place.signal, options.timeoutSeconds ?? (file ? transferSeconds : 60), what)
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

/** An answer may come before the whole body is sent: the rest is not needed then. */
async function respond(
  place: HttpPlace,
  method: string,
  path: string,
  { body, file }: AskOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  if (file) {
    const { headers, content } = frameFile('snapshot', file)
    const request = start(place, method, path, headers, signal)
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
  const request = start(place, method, path, headers, signal)
  const answer = firstAnswer(request)
  request.end(text)
  return answer
}

async function* body(place: HttpPlace, path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const what = `GET ${path} of Qdrant in ${place.container}`
  using deadline = withDeadline(signal, transferSeconds, what)
  try {
    const request = start(place, 'GET', path, {}, deadline)
    const answer = firstAnswer(request)
    request.end()
    const response = await answer
    if (response.statusCode !== 200) throw refusal(place, what, response.statusCode ?? 0, await readText(response))
    yield* response
  } catch (error) {
    throw explain(place, what, deadline, error)
  }
}

function start(
  { host, port, tls, apiKey }: HttpPlace,
  method: string,
  path: string,
  headers: Record<string, string | number>,
  signal: AbortSignal,
): ClientRequest {
  const key = apiKey === undefined ? {} : { 'api-key': apiKey }
  const options = { host, port, method, path, headers: { ...headers, ...key }, signal, agent: false }
  // The engine vouches for the address; a certificate names the host that clients use, which this address is not.
  const request = tls ? tlsRequest({ ...options, rejectUnauthorized: false }) : plainRequest(options)
  request.once('socket', (socket) => socket.setKeepAlive(true, 30_000))
  return request
}

function firstAnswer(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    request.on('error', reject)
  })
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) throw new BackupError('INTERNAL', `an answer of more than ${maxAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function refusal(place: HttpPlace, what: string, status: number, text: string): BackupError {
  const said = /"error":\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text
  const message = `${what} answered ${status}: ${said.trim().replace(/\s+/g, ' ').slice(0, 500)}`
  if (/no space left/i.test(said)) return new BackupError('NO_SPACE', message, { hint: spaceHint })
  if (status !== 401 && status !== 403) return new BackupError(place.failure, message)
  const hint = `Set qdrant.api-key-env to the variable of ${place.container} that holds an API key with full access.`
  return new BackupError('AUTH_FAILED', message, { hint })
}

const spaceHint =
  'Free space where Qdrant keeps its storage and its snapshots: it needs room for the whole collection twice.'

/** An error of ours passes; an abort says its reason; anything else is a connection that did not hold. */
function explain(place: HttpPlace, what: string, deadline: AbortSignal, error: unknown): BackupError {
  if (error instanceof BackupError) return error
  if (deadline.aborted) return asBackupError(deadline.reason, 'INTERRUPTED')
  const message = `${what} on port ${place.port}: ${asBackupError(error).message}`
  // A server that cannot take an upload (1.13.1: a full disk) closes the connection instead of saying so.
  const brokenOff = (error as NodeJS.ErrnoException).code === 'EPIPE'
  const hint = brokenOff
    ? `It broke off in the middle: often its disk is full. podman logs ${place.container}`
    : `Does Qdrant run, and listen there (qdrant.port, qdrant.tls)? podman logs ${place.container}`
  return new BackupError('SERVICE_DOWN', message, { hint, cause: error })
}
