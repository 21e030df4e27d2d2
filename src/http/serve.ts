import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { formatListen, type ListenAddress } from '../config/types.ts'
import { BackupError } from '../errors.ts'
import type { Parts } from '../job/job.ts'
import { logFailure } from '../lib/log-failure.ts'
import type { Live } from './live.ts'

export interface ServeOptions {
  listen: ListenAddress
  token: string | undefined
  live: Live
  /** Removes secrets from a text. */
  scrub(text: string): string
}

/** Programs that hold connections open, or send their request byte by byte, cost no more than this. */
const limits = {
  maxHeaderSize: 8192,
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  connectionsCheckingInterval: 5000,
}
const idleMs = 30_000
const maxConnections = 1000
const retryMs = 60_000

/**
 * Serves page and API until the signal is aborted. An address that cannot be used is logged and tried again by the minute: it keeps no
 * backup from being made. Never rejects.
 */
export async function serve(
  parts: Pick<Parts, 'clock' | 'log'>,
  options: ServeOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = parts
  const listener = loadingListener(parts, options, signal)
  for (let told: string | undefined; !signal.aborted; ) {
    try {
      await using server = await open(options.listen, listener)
      log.info(
        { address: `http://${formatListen(server.address)}`, token: options.token !== undefined },
        'page is served',
      )
      await aborted(signal)
    } catch (error) {
      const { message } = error as Error
      if (message !== told) logFailure(log, 'the page is not served', error)
      told = message
      await clock.sleep(retryMs, signal).catch(() => {})
    }
  }
}

/**
 * Loads the code that answers with the first request: it and what it needs of Node take 25 MiB, which a controller that nobody asks does
 * not have to hold.
 */
function loadingListener(
  parts: Pick<Parts, 'clock' | 'log'>,
  options: ServeOptions,
  signal: AbortSignal,
): RequestListener {
  let loading: Promise<RequestListener> | undefined
  const load = async () => (await import('./listener.ts')).createListener(parts, options, signal)
  return async (request, response) => {
    try {
      loading ??= load()
      ;(await loading)(request, response)
    } catch (error) {
      loading = undefined
      logFailure(parts.log, 'a request is not answered', error)
      response.writeHead(500, { 'Content-Type': 'text/plain', Connection: 'close' })
      response.end('the controller cannot answer\n')
    }
  }
}

interface OpenServer extends AsyncDisposable {
  address: ListenAddress
}

/** LISTEN_FAILED where the address cannot be used. Disposing ends every connection. */
async function open(listen: ListenAddress, listener: RequestListener): Promise<OpenServer> {
  const server = Object.assign(createServer(limits, listener), { maxConnections, timeout: idleMs })
  await listenOn(server, listen)
  const { port } = server.address() as AddressInfo
  return {
    address: { ...listen, port },
    [Symbol.asyncDispose]: async () => {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      server.closeAllConnections()
      await closed.promise
    },
  }
}

async function listenOn(server: Server, listen: ListenAddress): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(listen, resolve)
  try {
    await promise
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'another program listens there' : (code ?? 'unknown reason')
    throw new BackupError('LISTEN_FAILED', `${formatListen(listen)} cannot be used: ${why}`, { cause })
  } finally {
    server.off('error', reject)
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  if (!signal.aborted) await promise
}
