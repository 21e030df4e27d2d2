import type { IntentId } from '../catalog/catalog.ts'
import type { ContainerFacts } from '../engine/engine.ts'
import type { RestoreContext } from '../methods/method.ts'
import type { Target } from '../plan/plan.ts'
import { noteGone } from './gone.ts'
import type { Parts } from './job.ts'
import { bringDown, bringUp, bringUpPaused, findContainer, graceOf, refOf } from './service.ts'
import { abandonIntent, dropIntent } from './settle-intent.ts'

type Control = RestoreContext['service']

/**
 * Starts and stops the container of a target that is being restored. An intent is recorded before the first change, so that the
 * container ends in its former state after a crash too (P1).
 */
export interface ServiceControl extends Control {
  /** Starts the container where the proof needs it, or where it ran before and no caller will start it. */
  startForProof(needed: boolean): Promise<void>
  /**
   * Brings the container into the state in which it was found and drops the intent. It is not bound to the run's signal. When it
   * fails, every later pass tries again.
   */
  settle(): Promise<void>
  /** Stops the container and leaves it so, in place of `settle`. Who finishes the roll back that failed brings it back. */
  leave(): Promise<void>
}

export interface ControlOptions {
  /** Whether the caller took the container down and will start it again. */
  heldDown: boolean
  /** Is told of the seconds from a stop until the service was up again. Not where the caller holds it down. */
  onDown?: ((seconds: number) => void) | undefined
}

export function controlService(
  parts: Parts,
  target: Target,
  { heldDown, onDown }: ControlOptions,
  signal: AbortSignal,
): ServiceControl {
  const ref = refOf(target.container)
  const { startTimeoutSeconds, stopTimeoutSeconds } = target.spec
  const { startedAt, health } = target.container
  const grace = stopTimeoutSeconds ?? graceOf(target.container)
  const before = stateBefore(target.container)
  const unhealthyBefore = health === 'unhealthy'
  const downtime = measureDowntime(parts, onDown)
  let intent: IntentId | undefined

  const recordOnce = () => {
    if (heldDown) return
    intent ??= parts.catalog.addIntent({
      kind: 'resume',
      how: before === 'running' ? 'start' : before === 'paused' ? 'pause' : 'stop',
      container: ref,
      startTimeoutSeconds,
      stopTimeoutSeconds: grace,
      unhealthyBefore,
      ...(startedAt !== undefined && { startedAt }),
      ...noteGone(target.container),
    })
  }
  // The container of a systemd unit is gone while the unit is stopped.
  const gone = ref.unit === undefined ? undefined : 'stopped'
  const state = async () => (await findContainer(parts, ref, signal))?.state ?? gone ?? 'removing'
  const start = async (until = signal) => {
    recordOnce()
    await bringUp(parts, ref, { startTimeoutSeconds, unhealthyBefore }, until)
    downtime.end()
  }
  const stop = async (until = signal) => {
    recordOnce()
    const container = await findContainer(parts, ref, until)
    if (!heldDown && before === 'running') downtime.begin()
    if (container) await bringDown(parts, container, grace, until)
  }
  const settle = async () => {
    if (heldDown) return
    const never = new AbortController().signal
    const now = await findContainer(parts, ref, never)
    const state = now?.state ?? gone
    if (state === undefined || stateBefore({ state }) === before) return
    if (before === 'stopped') return stop(never)
    if (before === 'paused') await bringUpPaused(parts, ref, { startTimeoutSeconds, unhealthyBefore }, never)
    else await start(never)
  }
  const stopForGood = async () => {
    if (!heldDown) await stop(new AbortController().signal)
  }
  const end = async (how: () => Promise<void>, release: typeof dropIntent) => {
    try {
      await how()
      if (intent !== undefined) release(parts, intent)
    } catch (error) {
      if (intent !== undefined) abandonIntent(parts, intent)
      throw error
    } finally {
      downtime.end()
      intent = undefined
    }
  }
  return {
    state,
    start: () => start(),
    stop: () => stop(),
    startForProof: async (needed) => {
      if (needed || (before === 'running' && !heldDown)) await start()
    },
    settle: () => end(settle, dropIntent),
    leave: () => (before === 'stopped' ? end(settle, dropIntent) : end(stopForGood, abandonIntent)),
  }
}

/** Tells of the seconds from the first `begin` to the next `end`. */
function measureDowntime({ clock }: Parts, onDown: ControlOptions['onDown']) {
  let since: number | undefined
  return {
    begin: () => {
      since ??= clock.monotonicMs()
    },
    end: () => {
      if (since !== undefined) onDown?.((clock.monotonicMs() - since) / 1000)
      since = undefined
    },
  }
}

/** The state that a restore has to end in. A container that was about to stop is expected to be stopped. */
function stateBefore({ state }: Pick<ContainerFacts, 'state'>): 'running' | 'paused' | 'stopped' {
  return state === 'running' || state === 'paused' ? state : 'stopped'
}
