import type { ContainerFacts } from '../../engine/engine.ts'
import { BackupError } from '../../errors.ts'
import type { MethodContext } from '../method.ts'
import type { DatabaseClient } from './await-server.ts'

/** For how many milliseconds the service of a container may still be starting; 0 or less where it may not. */
export function startingMs(
  { state, startedAt }: Pick<ContainerFacts, 'state' | 'startedAt'>,
  startTimeoutSeconds: number,
  now: Date,
): number {
  if (state !== 'running' || startedAt === undefined) return 0
  const limitMs = startTimeoutSeconds * 1000
  // A start in the future is that of another clock.
  return Math.min(limitMs, Date.parse(startedAt) + limitMs - now.getTime())
}

/**
 * Throws SERVICE_DOWN for a server that answers and listens nowhere as long as it may still be starting: official images initialise
 * themselves by such a server and end it afterwards. One that listens nowhere after that was configured so.
 */
export function refuseInitialising(
  { container, clock }: Pick<MethodContext, 'container' | 'clock'>,
  { server }: DatabaseClient,
  startTimeoutSeconds: number,
): void {
  if (server.listens || startingMs(container, startTimeoutSeconds, clock.now()) <= 0) return
  throw new BackupError('SERVICE_DOWN', `the server in ${container.name} still initialises itself`)
}
