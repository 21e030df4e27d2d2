import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream/promises'
import type { Connection } from './connection.ts'
import type { EngineInfo } from './engine.ts'

interface VersionAnswer {
  Version: string
  Components?: { Name: string }[]
}

/**
 * Asks for name and version of the engine. A ping answers them in a header, as `Libpod/4.3.1 (linux)` or `Docker/20.10.24 (linux)`.
 * `/version` is asked only where a proxy has removed the header, because Podman looks up the packages of other programs for it, which
 * takes more than a second.
 */
export async function identify(connection: Connection, signal: AbortSignal): Promise<EngineInfo> {
  const [, product, version] = /^(Libpod|Docker)\/(\S+)/.exec(await ping(connection, signal)) ?? []
  if (product && version) return { name: product === 'Libpod' ? 'podman' : 'docker', version }
  const request = { what: 'version of the engine', signal }
  const answer = (await connection.request([], request, 'GET', '/version')) as VersionAnswer
  const isPodman = answer.Components?.some(({ Name }) => Name === 'Podman Engine')
  return { name: isPodman ? 'podman' : 'docker', version: answer.Version }
}

/** Answers the header `Server` of a ping. */
function ping({ call, docker }: Connection, signal: AbortSignal): Promise<string> {
  return call({ what: 'ping the engine', signal }, async (abortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const options = { path: '/_ping', method: 'GET', abortSignal, isStream: true, statusCodes: { 200: true } }
    docker.modem.dial(options, (error, response) => (error ? reject(error) : resolve(response as IncomingMessage)))
    const response = await promise
    await finished(response.resume())
    return String(response.headers.server)
  })
}

/** Files of a rootless engine's containers belong to ids that only the user namespace of its user can read and write. */
export async function isRootless(connection: Connection, signal: AbortSignal): Promise<boolean> {
  const info = await askInfo(connection, signal)
  return info.Rootless ?? info.SecurityOptions?.includes('name=rootless') ?? false
}

export const readHostName = async (connection: Connection, signal: AbortSignal): Promise<string> =>
  (await askInfo(connection, signal)).Name ?? ''

const askInfo = async ({ request }: Connection, signal: AbortSignal): Promise<InfoAnswer> =>
  (await request([], { what: 'information on the engine', signal }, 'GET', '/info')) as InfoAnswer

interface InfoAnswer {
  Name?: string
  Rootless?: boolean
  SecurityOptions?: string[]
}
