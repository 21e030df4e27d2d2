import type { ContainerRef, Intent, ResumeIntent } from '../catalog/catalog.ts'
import type { ContainerFacts } from '../engine/engine.ts'
import { execText } from '../engine/exec.ts'
import type { Units } from '../engine/units.ts'
import { BackupError } from '../errors.ts'
import { commandFor, healthHint, logOf } from '../hints.ts'
import { poll } from '../lib/deadline.ts'
import { logFailure } from '../lib/log-failure.ts'
import { nameRemoved, removedByStop, waysOutOfRemoval } from '../plan/removed.ts'
import type { Parts } from './job.ts'

/** The grace before SIGKILL where neither the label nor the container sets one. Podman and Docker have the same default. */
export const defaultStopSeconds = 10

/** How long a container without a `start-timeout` label may take to run and become healthy. */
export const defaultStartSeconds = 120

export const refOf = (container: ContainerFacts): ContainerRef => ({
  id: container.id,
  name: container.name,
  engine: container.engine,
  ...(container.project !== undefined && { project: container.project }),
  ...(container.service !== undefined && { service: container.service }),
  ...(container.number !== undefined && { number: container.number }),
  ...(container.unit !== undefined && { unit: container.unit }),
})

/**
 * Finds a container by id, else the one that its systemd unit runs now, else the one that took its place in the compose project, else the
 * one of its name.
 */
export async function findContainer(parts: Parts, ref: ContainerRef, signal: AbortSignal) {
  const same = await parts.engine.inspect(ref.id, signal)
  if (same) return same
  const takesItsPlace = (other: ContainerFacts) =>
    ref.service === undefined
      ? other.name === ref.name
      : other.project === ref.project && other.service === ref.service && (other.number ?? 1) === (ref.number ?? 1)
  const others = (await parts.engine.list(signal)).filter(({ oneoff }) => !oneoff)
  const ofUnit = ref.unit === undefined ? undefined : others.find(({ unit }) => unit === ref.unit)
  return ofUnit ?? others.find(takesItsPlace)
}

/** What a container is now. One of a systemd unit is another one, with another id, after each start of the unit. */
export const inspectNow = (
  parts: Parts,
  container: ContainerFacts,
  signal: AbortSignal,
): Promise<ContainerFacts | undefined> =>
  container.unit === undefined
    ? parts.engine.inspect(container.id, signal)
    : findContainer(parts, refOf(container), signal)

/** Starts or unpauses a container and waits until it runs and, where it has a health check, is healthy. */
export async function bringUp(
  parts: Parts,
  ref: ContainerRef,
  { startTimeoutSeconds, unhealthyBefore = false }: { startTimeoutSeconds: number; unhealthyBefore?: boolean },
  signal: AbortSignal,
) {
  const container = await findContainer(parts, ref, signal)
  const wait = { seconds: startTimeoutSeconds, healthy: !unhealthyBefore }
  if (ref.unit !== undefined && !isUp(container)) return startUnit(parts, ref, ref.unit, wait, signal)
  if (!container) throw new BackupError('NO_SUCH_CONTAINER', `container ${ref.name} is gone`)
  if (container.state === 'stopping') await bringDown(parts, container, graceOf(container), signal)
  if (container.state === 'paused') await parts.engine.unpause(container.id, signal)
  else if (container.state !== 'running') await parts.engine.start(container.id, signal)
  await waitUp(parts, container, wait, signal)
}

/** Starts a container that is to be paused in the end, and pauses it, be it healthy or not. */
export async function bringUpPaused(
  parts: Parts,
  ref: ContainerRef,
  how: { startTimeoutSeconds: number; unhealthyBefore?: boolean },
  signal: AbortSignal,
) {
  const failure = await bringUp(parts, ref, how, signal).catch((error: Error) => error)
  const now = await findContainer(parts, ref, signal)
  if (now?.state === 'running') await parts.engine.pause(now.id, signal)
  else if (failure) throw failure
}

const isUp = (container: ContainerFacts | undefined): boolean =>
  container?.state === 'running' || container?.state === 'paused'

/** The container that comes up is another one than that of the reference, with another id. */
async function startUnit(
  parts: Parts,
  ref: ContainerRef,
  unit: string,
  wait: { seconds: number; healthy: boolean },
  signal: AbortSignal,
) {
  const { clock } = parts
  await unitsOf(parts, unit).start(unit, wait.seconds, signal)
  const find = async () => {
    const found = await findContainer(parts, ref, signal)
    return isUp(found) && found
  }
  const started = await poll(find, { what: `the container of ${unit}`, seconds: wait.seconds, clock, signal })
  await waitUp(parts, started, wait, signal)
}

function unitsOf({ units }: Parts, unit: string): Units {
  if (units) return units
  throw new BackupError('UNIT_FAILED', `no systemd is in reach for ${unit}`)
}

/** The grace before SIGKILL that the container itself sets, else the default. */
export const graceOf = ({ stopTimeoutSeconds }: ContainerFacts): number => stopTimeoutSeconds ?? defaultStopSeconds

async function waitUp(
  parts: Parts,
  container: ContainerFacts,
  { seconds, healthy }: { seconds: number; healthy: boolean },
  signal: AbortSignal,
) {
  const { id, name, unit } = container
  const ended = (how: string, log: string) =>
    new BackupError('UNHEALTHY', `container ${name} ended at once${how}`, { hint: `Look at its log: ${log}` })
  const isReady = async () => {
    const now = await parts.engine.inspect(id, signal)
    // What a unit runs is removed with its end, and the unit can be started again.
    if (!now && unit !== undefined) throw ended(', and was removed', `journalctl -u ${unit}`)
    if (!now) throw new BackupError('NO_SUCH_CONTAINER', `container ${name} vanished while it started`)
    if (now.state === 'stopped') throw ended(` with exit code ${now.exitCode}`, logOf(container))
    return now.state === 'running' && (!healthy || now.health === 'none' || now.health === 'healthy')
  }
  await poll(isReady, { what: `container ${name} to be healthy`, seconds, clock: parts.clock, signal }).catch(
    (error) => {
      if (error instanceof BackupError && error.code === 'TIMEOUT') {
        const message = `container ${name} was not healthy within ${seconds} s`
        throw new BackupError('UNHEALTHY', message, { cause: error, hint: healthHint(container) })
      }
      throw error
    },
  )
}

/**
 * Stops a container, or its systemd unit. Returns true when it had to be killed, so that its data is only crash-consistent. It waits for the end of the stop
 * even when the run is aborted: the engine goes on with a stop that nobody waits for, and would end the container after the run had
 * found it running and left.
 */
export async function bringDown(parts: Parts, container: ContainerFacts, graceSeconds: number, signal: AbortSignal) {
  signal.throwIfAborted()
  if (container.state === 'stopped' || container.state === 'created') return false
  refuseRemoval(container)
  if (container.unit !== undefined) return stopUnit(parts, { ...container, unit: container.unit })
  const { exitCode } = await parts.engine.stop(container.id, graceSeconds, new AbortController().signal)
  return exitCode === 137
}

/** How long the container of a unit may be there after the end of the unit. */
const removalSeconds = 60

async function stopUnit(parts: Parts, container: ContainerFacts & { unit: string }): Promise<boolean> {
  const { signal } = new AbortController()
  const { killed } = await unitsOf(parts, container.unit).stop(container, signal)
  const hasEnded = async () => {
    const now = await parts.engine.inspect(container.id, signal)
    return !now || ['created', 'stopped', 'removing'].includes(now.state)
  }
  const what = `container ${container.name} to end with ${container.unit}`
  await poll(hasEnded, { what, seconds: removalSeconds, clock: parts.clock, signal })
  return killed
}

/** The plan and the checks of a restore have refused such containers. One that took the place of another meanwhile is left alone too. */
export function refuseRemoval(container: ContainerFacts): void {
  if (removedByStop([container]).length === 0) return
  const hint = `Nothing was stopped. Ways out: ${waysOutOfRemoval}.`
  throw new BackupError('QUIESCE_FAILED', `a stop would remove ${nameRemoved([container])}`, { hint })
}

/** Carries out the undoing that an intent describes. It may be repeated: a container in the wanted state is left alone. */
export async function undo(
  parts: Parts,
  intent: Exclude<Extract<Intent, { container: ContainerRef }>, { kind: 'undo-method' }>,
  signal: AbortSignal,
) {
  const container = await findContainer(parts, intent.container, signal)
  if (intent.kind === 'resume') return resume(parts, intent, container, signal)
  if (!container) return
  if (intent.kind === 'leave-network') return parts.engine.disconnectNetwork(intent.network, container.id, signal)
  await runHook(parts, container, intent.command, intent.timeoutSeconds, signal)
}

async function resume(
  parts: Parts,
  intent: ResumeIntent,
  container: ContainerFacts | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (intent.how === 'stop') {
    if (container) await bringDown(parts, container, graceOf(container), signal)
    return
  }
  if (container && mayStillStop(container, intent)) await finishStop(parts, container, intent, signal)
  if (intent.how !== 'pause') await bringUp(parts, intent.container, intent, signal)
  else if (container?.state !== 'paused') await bringUpPaused(parts, intent.container, intent, signal)
}

/** Whether a stop that was asked for may not have taken effect yet: the container has not been started since. */
const mayStillStop = ({ id, state, startedAt }: ContainerFacts, intent: ResumeIntent): boolean =>
  intent.how !== 'unpause' && state === 'running' && id === intent.container.id && startedAt === intent.startedAt

/**
 * Ends the stop that may be under way, so that it cannot end the container later. Where the engine refuses it, the container runs
 * on.
 */
async function finishStop(
  parts: Parts,
  container: ContainerFacts,
  { stopTimeoutSeconds = graceOf(container) }: ResumeIntent,
  signal: AbortSignal,
): Promise<void> {
  await bringDown(parts, container, stopTimeoutSeconds, signal).catch((err) => {
    signal.throwIfAborted()
    logFailure(parts.log, 'a stop could not be finished', err, { level: 'warn', container: container.name })
  })
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
    { hint: `Run it by hand to see it fail: ${commandFor(container, 'exec')} …` },
  )
}
