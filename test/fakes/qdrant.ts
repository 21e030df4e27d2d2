import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { answer } from './qdrant-answers.ts'
import { checkBody, type Matched, matchRequest } from './qdrant-document.ts'
import { openStore } from './qdrant-store.ts'
import type { Reply, World } from './qdrant-upload.ts'

export interface FakeOptions {
  storage: string
  snapshots: string
  /** Default: any free one. */
  port?: number
  /** Default 127.0.0.1. */
  host?: string
  apiKey?: string
  version?: string
}

/** A server that keeps to Qdrant's OpenAPI document and does what a real 1.13.1 was seen to do, good and bad. */
export interface FakeQdrant extends AsyncDisposable {
  readonly port: number
  /** Every request, as `METHOD /path?query`. */
  readonly requests: string[]
  /** Requests that the document does not allow: a client at fault. */
  readonly violations: string[]
  version: string
  isRunning(): boolean
  /** Called after each shard that a restore has replaced. */
  onShard: (done: number, collection: string) => void | Promise<void>
  /** Answers in the place of the server where it returns something. */
  intercept: (line: string) => Reply | undefined
  /** As SIGKILL: connections break, what is on disk stays. */
  kill(): Promise<void>
  /** Throws where the real one panics; a running one is left alone. */
  start(): Promise<void>
}

export async function startFakeQdrant(options: FakeOptions): Promise<FakeQdrant> {
  let server: Server | undefined
  let world: World | undefined
  let port = options.port ?? 0
  const fake: FakeQdrant = {
    get port() {
      return port
    },
    requests: [],
    violations: [],
    version: options.version ?? '1.13.1',
    isRunning: () => server?.listening ?? false,
    onShard: () => {},
    intercept: () => undefined,
    start: async () => {
      if (fake.isRunning()) return
      const born: World = {
        store: openStore(options.storage, options.snapshots),
        isDead: false,
        version: () => fake.version,
        onShard: (...call) => fake.onShard(...call),
      }
      world = born
      server = createServer((request, response) => void serve(fake, born, options.apiKey, request, response))
      server.listen(port, options.host ?? '127.0.0.1')
      await once(server, 'listening')
      port = (server.address() as AddressInfo).port
    },
    kill: async () => {
      if (world) world.isDead = true
      server?.closeAllConnections()
      const closed = server?.listening ? once(server, 'close') : undefined
      server?.close()
      await closed
    },
    [Symbol.asyncDispose]: () => fake.kill(),
  }
  await fake.start()
  return fake
}

async function serve(
  fake: FakeQdrant,
  world: World,
  apiKey: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url = '', headers } = request
  const line = `${method} ${url}`
  fake.requests.push(line)
  const isOpen = ['/', '/readyz'].includes(url)
  if (apiKey !== undefined && !isOpen && headers['api-key'] !== apiKey) {
    const text = headers['api-key']
      ? 'Invalid API key or JWT'
      : 'Must provide an API key or an Authorization bearer token'
    return send(world, response, { status: 401, text })
  }
  const bytes = await buffer(request).catch(() => undefined)
  if (!bytes) return // The client went away with half its body: a real server drops it too.
  try {
    const matched = checkRequest(request, bytes)
    const reply = fake.intercept(line) ?? (await answer(world, method, matched, headers['content-type'], bytes))
    send(world, response, reply)
  } catch (error) {
    if (world.isDead) return
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
      return send(world, response, {
        status: 500,
        error: 'Service internal error: No space left on device (os error 28)',
      })
    }
    fake.violations.push(`${line}: ${(error as Error).message}`)
    send(world, response, { status: 400, error: `Format error: ${(error as Error).message}` })
  }
}

function checkRequest({ method = '', url = '', headers }: IncomingMessage, bytes: Buffer): Matched {
  const matched = matchRequest(method, url)
  const type = headers['content-type']
  const isJson = type?.startsWith('application/json') ?? false
  const body = bytes.length === 0 ? undefined : isJson ? JSON.parse(bytes.toString()) : bytes
  checkBody(method, matched, type, body)
  return matched
}

function send(world: World, response: ServerResponse, reply: Reply): void {
  if (world.isDead || response.destroyed) return
  if ('bytes' in reply) {
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': reply.length ?? reply.bytes.length,
    })
    response.write(reply.bytes)
    if (reply.length === undefined || reply.length === reply.bytes.length) response.end()
    else response.destroy()
    return
  }
  if ('text' in reply) {
    response.writeHead(reply.status, { 'content-type': 'text/plain' }).end(reply.text)
    return
  }
  const status = reply.status ?? 200
  const body =
    'error' in reply
      ? { status: { error: reply.error }, time: 0.001 }
      : { result: reply.result, status: 'ok', time: 0.001 }
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify('raw' in reply ? reply.raw : body))
}
