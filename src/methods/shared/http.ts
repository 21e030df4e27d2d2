import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { BackupError } from '../../errors.ts'

/** Where a server listens. */
export interface HttpServer {
  host: string
  port: number
  tls: boolean
}

/** The head of a request. A path may end up in a log, so that it MUST NOT hold a secret. */
export interface RequestHead {
  method: string
  path: string
  headers?: Record<string, string | number>
  /** Login of HTTP basic authentication as `user:password`. */
  auth?: string
}

/** Answers are lists, settings and a few points. */
const usualBytes = 64 * 1024 * 1024

/** Begins a request on a connection of its own. The caller ends it. The signal ends it too, and its answer. */
export function beginRequest({ host, port, tls }: HttpServer, head: RequestHead, signal: AbortSignal): ClientRequest {
  const options = { host, port, ...head, signal, agent: false }
  // A certificate names the host that clients use and not this address, which comes from the engine and is therefore trusted.
  const request = tls ? tlsRequest({ ...options, rejectUnauthorized: false }) : plainRequest(options)
  request.once('socket', (socket) => socket.setKeepAlive(true, 30_000))
  return request
}

/** The head of the answer, or the error of the connection. It may come before the whole body of the request is sent. */
export function firstAnswer(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    request.on('error', reject)
  })
}

/** The body of an answer. INTERNAL for one of more than `mostBytes` (default 64 MiB), which would fill the memory. */
export async function readText(response: IncomingMessage, mostBytes = usualBytes): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes) throw new BackupError('INTERNAL', `an answer of more than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
