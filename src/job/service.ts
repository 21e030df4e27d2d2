import type { ContainerRef, Intent } from '../catalog/catalog.ts'
import type { ContainerFacts } from '../engine/engine.ts'
import { execText } from '../engine/exec.ts'
import { BackupError } from '../errors.ts'
import { poll } from '../lib/deadline.ts'
import type { Parts } from './job.ts'

/** The grace before SIGKILL where neither the label nor the container sets one. Podman and Docker have the same default. */
export const defaultStopSeconds = 10

/** How long a container without a `start-timeout` label may take to run and become healthy. */
export const defaultStartSeconds = 120

export const refOf = (container: ContainerFacts): ContainerRef => ({
  id: container.id,
  name: container.name,
  ...(container.project !== undefined && { project: container.project }),
  ...(container.service !== undefined && { service: container.service }),
  ...(container.number !== undefined && { number: container.number }),
})

/** Finds a container by id, else the one that took its place in the compose project, else the one of its name. */
export async function findContainer(parts: Parts, ref: ContainerRef, signal: AbortSignal) {
  const same = await parts.engine.inspect(ref.id, signal)
  if (same) return same
  const takesItsPlace = (other: ContainerFacts) =>
    ref.service === undefined
      ? other.name === ref.name
      : other.project === ref.project && other.service === ref.service && (other.number ?? 1) === (ref.number ?? 1)
  return (await parts.engine.list(signal)).find((other) => !other.oneoff && takesItsPlace(other))
}

/** Starts or unpauses a container and waits until it runs and, where it has a health check, is healthy. */
export async function bringUp(parts: Parts, ref: ContainerRef, startSeconds: number, signal: AbortSignal) {
  const container = await findContainer(parts, ref, signal)
  if (!container) throw new BackupError('NO_SUCH_CONTAINER', `container ${ref.name} is gone`)
  if (container.state === 'paused') await parts.engine.unpause(container.id, signal)
  else if (container.state !== 'running') await parts.engine.start(container.id, signal)
  await waitHealthy(parts, container.id, container.name, startSeconds, signal)
}

async function waitHealthy(parts: Parts, id: string, name: string, seconds: number, signal: AbortSignal) {
  const isReady = async () => {
    const now = await parts.engine.inspect(id, signal)
    if (!now) throw new BackupError('NO_SUCH_CONTAINER', `container ${name} vanished while it started`)
    if (now.state === 'stopped') {
      const hint = `Look at its log: podman logs ${name}`
      throw new BackupError('UNHEALTHY', `container ${name} ended at once with exit code ${now.exitCode}`, { hint })
    }
    return now.state === 'running' && (now.health === 'none' || now.health === 'healthy')
  }
  await poll(isReady, { what: `container ${name} to be healthy`, seconds, clock: parts.clock, signal }).catch(
    (error) => {
      if (error instanceof BackupError && error.code === 'TIMEOUT') {
        throw new BackupError('UNHEALTHY', `container ${name} was not healthy within ${seconds} s`, { cause: error })
      }
      throw error
    },
  )
}

/** Stops a container. Returns true when it had to be killed, so that its data is only crash-consistent. */
export async function bringDown(parts: Parts, container: ContainerFacts, graceSeconds: number, signal: AbortSignal) {
  if (container.state === 'stopped' || container.state === 'created') return false
  const { exitCode } = await parts.engine.stop(container.id, graceSeconds, signal)
  return exitCode === 137
}

/** Carries out the undoing that an intent describes. It may be repeated: a container in the wanted state is left alone. */
export async function undo(
  parts: Parts,
  intent: Exclude<Extract<Intent, { container: ContainerRef }>, { kind: 'undo-method' }>,
  signal: AbortSignal,
) {
  const container = await findContainer(parts, intent.container, signal)
  if (intent.kind === 'resume') {
    if (intent.how !== 'stop') return bringUp(parts, intent.container, intent.startTimeoutSeconds, signal)
    if (container) await bringDown(parts, container, container.stopTimeoutSeconds ?? defaultStopSeconds, signal)
    return
  }
  if (!container) return
  if (intent.kind === 'leave-network') return parts.engine.disconnectNetwork(intent.network, container.id, signal)
  await runHook(parts, container, intent.command, intent.timeoutSeconds, signal)
}

/** Runs the command of an `exec-pre` or `exec-post` label. Throws EXEC_FAILED where it exits with another code than 0. */
export async function runHook(
  parts: Parts,
  container: ContainerFacts,
  command: string[],
  timeoutSeconds: number,
  signal: AbortSignal,
) {
  const { exitCode, stderr } = await execText(parts.engine, container.id, { command, timeoutSeconds }, signal)
  if (exitCode === 0) return
  throw new BackupError(
    'EXEC_FAILED',
    `${command[0]} in ${container.name} exited ${exitCode}: ${stderr.trim().slice(-500)}`,
  )
}
