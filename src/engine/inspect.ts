import { BackupError } from '../errors.ts'
import { systemClock } from '../lib/clock.ts'
import { type Connection, libpod } from './connection.ts'
import type { ContainerFacts } from './engine.ts'
import { toFacts } from './facts.ts'

const attempts = 4

/**
 * Finds a container by id or name. Answers undefined where there is none. While Podman removes a container, it answers 500 for some hundred
 * milliseconds, in several wordings. The call is repeated then.
 */
export async function inspectContainer(
  connection: Connection,
  id: string,
  signal: AbortSignal,
): Promise<ContainerFacts | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readFacts(connection, id, signal)
    } catch (error) {
      if (!(error instanceof BackupError)) throw error
      if (error.code === 'NO_SUCH_CONTAINER') return undefined
      if (error.code !== 'ENGINE_FAILED' || attempt === attempts) throw error
      await systemClock.sleep(attempt * 100, signal)
    }
  }
}

/** Asks twice: the Docker API answers what both engines know, libpod's API adds dependencies and id maps. */
async function readFacts(connection: Connection, id: string, signal: AbortSignal): Promise<ContainerFacts> {
  const request = { what: `inspect ${id}`, signal }
  const docker = await connection.call(request, (abortSignal) =>
    connection.docker.getContainer(id).inspect({ abortSignal }),
  )
  return toFacts(docker, await connection.request([404], request, 'GET', libpod(`/containers/${docker.Id}/json`)))
}
