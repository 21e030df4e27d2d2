import { Agent } from 'node:http'
import { inspect } from 'node:util'
import Docker from 'dockerode'
import { BackupError } from '../errors.ts'
import { settleWith, withDeadline } from '../lib/deadline.ts'

/** dockerode at one address. Every call ends. */
export interface Connection {
  docker: Docker
  /** Makes one request, which ends by `seconds` and the signal at the latest. It throws a BackupError. */
  call<T>(request: CallOptions, run: (abortSignal: AbortSignal) => Promise<T>): Promise<T>
  /** Does the same, and answers undefined for the HTTP statuses in `accept`. */
  callUnless<T>(
    accept: number[],
    request: CallOptions,
    run: (abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined>
  /** Makes a request that dockerode has no method for: one of libpod's API, or one whose method takes no signal. */
  request(
    accept: number[],
    request: CallOptions,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<unknown>
}

export interface CallOptions {
  /** Verb and object, as the error names them: `stop redis`. */
  what: string
  signal: AbortSignal
  /** Default 60. */
  seconds?: number
  /** Values that must not appear in an error, whatever the engine answers. */
  secrets?: string[]
}

export function connect(address: string): Connection {
  const docker = new Docker(dialOptions(address))

  const callUnless: Connection['callUnless'] = async (accept, request, run) => {
    using deadline = withDeadline(request.signal, request.seconds ?? 60, request.what)
    try {
      // docker-modem may never settle after an abort or a response that was cut.
      return await settleWith(deadline, run)
    } catch (error) {
      if (deadline.aborted) throw deadline.reason
      if (accept.includes(statusOf(error) ?? 0)) return undefined
      throw translate(error, request, address)
    }
  }

  const call: Connection['call'] = async <T>(request: CallOptions, run: (abortSignal: AbortSignal) => Promise<T>) =>
    (await callUnless([], request, run)) as T

  const request: Connection['request'] = (accept, options, method, path, body) =>
    callUnless(accept, options, (abortSignal) => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      const statusCodes = { 200: true, 201: true, 204: true }
      // docker-modem takes the last character of a path with a question mark away.
      const dialled = path.includes('?') ? `${path}&` : path
      docker.modem.dial(
        { path: dialled, method, abortSignal, statusCodes, ...(body && { options: { _query: {}, _body: body } }) },
        (error, data) => (error ? reject(error) : resolve(data)),
      )
      return promise
    })

  return { docker, call, callUnless, request }
}

/** A path of Podman's own API. Docker answers 404 to it. */
export function libpod(path: string): string {
  return `/v4.0.0/libpod${path}`
}

/**
 * docker-modem describes each request with all that hangs on it for a debug log, also where nobody reads that. Of an agent alone this is
 * 15 ms of a processor, more than all else of a request.
 */
class BriefAgent extends Agent {
  [inspect.custom] = () => 'agent'
}

/** dockerode reads DOCKER_HOST and similar variables by itself. All of them are overridden here, so that `address` alone counts. */
function dialOptions(address: string): Docker.DockerOptions {
  // A kept-alive socket of a service that has just restarted would fail the next call.
  const common = {
    // Without a name, Node compiles a large pattern to find out whether the host is an address, for a TLS that is never used.
    agent: new BriefAgent({ keepAlive: false, ...{ servername: '' } }),
    protocol: 'http',
    timeout: undefined,
    pathPrefix: undefined,
  }
  if (address.startsWith('/')) return { ...common, host: undefined, socketPath: address } as Docker.DockerOptions
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol === 'unix:') return dialOptions(decodeURIComponent(url.pathname))
  if ((url?.protocol === 'tcp:' || url?.protocol === 'http:') && url.port) {
    return { ...common, host: url.hostname, port: url.port } as Docker.DockerOptions
  }
  throw new BackupError('CONFIG_INVALID', `the engine address ${address} is neither unix:///PATH nor tcp://HOST:PORT`, {
    hint: 'Set CONTAINER_HOST or `engine` to the socket, for example unix:///run/podman/podman.sock.',
  })
}

/** docker-modem rejects with a system error, or with an error that holds the status and the body of the answer. */
interface DialError extends NodeJS.ErrnoException {
  statusCode?: number
  json?: { message?: string } | Buffer | null
}

function statusOf(error: unknown): number | undefined {
  return (error as DialError).statusCode
}

function translate(error: unknown, request: CallOptions, address: string): BackupError {
  const status = statusOf(error)
  if (status === undefined) return unreachable(error as DialError, request, address)
  const json = (error as DialError).json
  const answer = (json && 'message' in json && json.message) || (error as Error).message
  const message = scrub(`${request.what}: HTTP ${status}: ${answer.trim()}`, request.secrets ?? [])
  // Podman answers 500 where a container vanishes while it works on it.
  if (/no such container/i.test(answer)) return new BackupError('NO_SUCH_CONTAINER', message)
  if (/dependenc.*not (started|running)|depends on/i.test(answer)) {
    return new BackupError('ENGINE_FAILED', message, { hint: 'Start the containers it depends on first.' })
  }
  return new BackupError('ENGINE_FAILED', message)
}

const connectHints: Record<string, string> = {
  ENOENT: 'There is no socket at this path: is podman.socket enabled, and its directory mounted into the controller?',
  EACCES: 'This user may not open the socket: run as its owner, or mount the socket of the right user.',
  ECONNREFUSED: 'The socket is there and nobody listens: systemctl (--user) restart podman.socket.',
}

function unreachable(error: DialError, request: CallOptions, address: string): BackupError {
  const hint = connectHints[error.code ?? '']
  const message = `${request.what}: no answer from ${address} (${error.code ?? error.message})`
  return new BackupError('ENGINE_UNREACHABLE', message, { cause: error, ...(hint && { hint }) })
}

/** Replaces secrets by stars. Short values stay, because replacing `1` or `no` would only spoil the text. */
function scrub(text: string, secrets: string[]): string {
  return secrets.filter((secret) => secret.length > 3).reduce((left, secret) => left.replaceAll(secret, '***'), text)
}
