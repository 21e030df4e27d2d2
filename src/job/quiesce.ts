import type { IntentId, ResumeIntent } from '../catalog/catalog.ts'
import type { ContainerFacts } from '../engine/engine.ts'
import { asBackupError, BackupError } from '../errors.ts'
import { logOf } from '../hints.ts'
import { logFailure } from '../lib/log-failure.ts'
import { noteGone } from './gone.ts'
import type { Parts } from './job.ts'
import { resumeContainer } from './recover/resume.ts'
import { bringDown, findContainer, graceOf, refOf, refuseRemoval } from './service.ts'
import { abandonIntent } from './settle-intent.ts'

/** Containers that a run holds down. `resume` and dispose bring back only what this run took down, in reverse order. */
export interface Held extends AsyncDisposable {
  /** The containers in the order in which they were taken down, as they were found then. */
  containers: ContainerFacts[]
  /** Their names. */
  names: string[]
  warnings: string[]
  /** Returns an error for each container that did not come back; every later pass tries again. It may be repeated. */
  resume(): Promise<BackupError[]>
  /**
   * Leaves containers of these names down. Who finishes what they wait for brings them back, see `RollBackIntent.keepsDown`, which MUST be
   * recorded.
   */
  leave(names: string[]): void
  /** Seconds from the first stop until the last container was back, or until now while they are held. */
  downSeconds(): number
  /** The same of each container alone, by its name. */
  heldSeconds(): Record<string, number>
}

export interface QuiesceOrder {
  container: ContainerFacts
  how: 'stop' | 'pause'
  /** The grace before SIGKILL. Default: the container's own. */
  stopTimeoutSeconds?: number
  startTimeoutSeconds: number
}

/**
 * Takes containers down in the given order. The intent to bring a container back is durable before the container is touched (P1).
 */
export async function quiesce(parts: Parts, orders: QuiesceOrder[], signal: AbortSignal): Promise<Held> {
  const held = holding(parts)
  let last: ContainerFacts | undefined
  try {
    for (const order of orders) {
      signal.throwIfAborted()
      last = order.container
      await held.take(order, signal)
    }
    return held
  } catch (cause) {
    const lost = await held.resume()
    if (signal.aborted) throw cause
    const also = lost.map((error) => `; then ${error.message}`).join('')
    const { code, message, hint } = asBackupError(cause)
    const known = code === 'QUIESCE_FAILED' || !last ? { hint } : { hint: hintOn(last) }
    throw new BackupError('QUIESCE_FAILED', `${message}${also}`, { cause, ...known })
  }
}

const hintOn = (container: ContainerFacts): string =>
  `No snapshot was kept, and what had been stopped was started again. Look at its log: ${logOf(container)}.`

function holding(parts: Parts) {
  const { catalog, clock, engine } = parts
  const taken: { id: IntentId; intent: ResumeIntent }[] = []
  const containers: ContainerFacts[] = []
  const warnings: string[] = []
  const spans = new Map<string, { since: number; until?: number }>()
  let since: number | undefined
  let until: number | undefined

  const take = async (order: QuiesceOrder, signal: AbortSignal) => {
    const container = await findContainer(parts, refOf(order.container), signal)
    if (!container) return
    const grace = order.stopTimeoutSeconds ?? graceOf(container)
    // Somebody else stops it, so it is not this run that brings it back. It may write until it has ended.
    if (container.state === 'stopping') return void (await bringDown(parts, container, grace, signal))
    if (container.state !== 'running') return
    if (order.how === 'stop') refuseRemoval(container)
    const intent = resumeIntent(order, container, grace)
    const id = catalog.addIntent(intent)
    since ??= clock.monotonicMs()
    spans.set(container.name, { since: clock.monotonicMs() })
    taken.push({ id, intent })
    containers.push(container)
    if (order.how === 'pause') return engine.pause(container.id, new AbortController().signal)
    const killed = await bringDown(parts, container, grace, signal)
    if (killed) warnings.push(explainKill(container, grace))
  }

  const resume = async () => {
    const failures: BackupError[] = []
    for (let last = taken.pop(); last; last = taken.pop()) {
      const failure = await bringBack(parts, last.id, last.intent)
      const span = spans.get(last.intent.container.name)
      if (failure) failures.push(failure)
      else if (span) span.until = clock.monotonicMs()
    }
    if (since !== undefined) until ??= clock.monotonicMs()
    return failures
  }

  const leave = (names: string[]) => {
    const isLeft = ({ intent }: (typeof taken)[number]) => names.includes(intent.container.name)
    for (const { id } of taken.filter(isLeft)) abandonIntent(parts, id)
    taken.splice(0, taken.length, ...taken.filter((one) => !isLeft(one)))
  }

  return {
    take,
    leave,
    containers,
    get names() {
      return containers.map(({ name }) => name)
    },
    warnings,
    resume,
    heldSeconds: () =>
      Object.fromEntries(
        [...spans].map(([name, { since, until = clock.monotonicMs() }]) => [name, Math.round(until - since) / 1000]),
      ),
    downSeconds: () => (since === undefined ? 0 : ((until ?? clock.monotonicMs()) - since) / 1000),
    [Symbol.asyncDispose]: async () => void (await resume()),
  }
}

/** The names are those of the compose file; a program that ignores the signal of a stop mostly ends on another one. */
const explainKill = ({ name }: ContainerFacts, grace: number): string =>
  `${name} did not end within ${grace} s and was killed: crash-consistent only. Give it longer (label xnai.backup.stop-timeout of its target, or stop_grace_period), or name the signal that it ends on (stop_signal)`

/** Brings a container back. It is not bound to the run's signal, because an interrupted run MUST bring its services back too. */
async function bringBack(parts: Parts, id: IntentId, intent: ResumeIntent): Promise<BackupError | undefined> {
  try {
    await resumeContainer(parts, id, intent, new AbortController().signal)
    return undefined
  } catch (error) {
    const failure = asBackupError(error, 'RESUME_FAILED')
    logFailure(parts.log, 'container did not come back', failure, { container: intent.container.name })
    return failure
  }
}

function resumeIntent(
  { how, startTimeoutSeconds }: QuiesceOrder,
  container: ContainerFacts,
  stopTimeoutSeconds: number,
): ResumeIntent {
  return {
    kind: 'resume',
    how: how === 'pause' ? 'unpause' : 'start',
    container: refOf(container),
    startTimeoutSeconds,
    stopTimeoutSeconds,
    unhealthyBefore: container.health === 'unhealthy',
    ...(container.startedAt !== undefined && { startedAt: container.startedAt }),
    ...(how === 'stop' && noteGone(container)),
  }
}
