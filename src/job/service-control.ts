import type { IntentId } from '../catalog/catalog.ts'
import type { RestoreContext } from '../methods/method.ts'
import type { Target } from '../plan/plan.ts'
import type { Parts } from './job.ts'
import { bringDown, bringUp, defaultStopSeconds, findContainer, refOf } from './service.ts'

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
}

/** `heldDown` says that the caller took the container down and will start it again. */
export function controlService(parts: Parts, target: Target, heldDown: boolean, signal: AbortSignal): ServiceControl {
  const ref = refOf(target.container)
  const { startTimeoutSeconds, stopTimeoutSeconds } = target.spec
  const grace = stopTimeoutSeconds ?? target.container.stopTimeoutSeconds ?? defaultStopSeconds
  const ranBefore = target.container.state === 'running' || target.container.state === 'paused'
  let note: IntentId | undefined

  const noteOnce = () => {
    const how = ranBefore ? 'start' : 'stop'
    if (!heldDown) note ??= parts.catalog.addIntent({ kind: 'resume', how, container: ref, startTimeoutSeconds })
  }
  const state = async () => (await findContainer(parts, ref, signal))?.state ?? 'removing'
  const start = async (until = signal) => {
    noteOnce()
    await bringUp(parts, ref, startTimeoutSeconds, until)
  }
  const stop = async (until = signal) => {
    noteOnce()
    const container = await findContainer(parts, ref, until)
    if (container) await bringDown(parts, container, grace, until)
  }
  const settle = async () => {
    const never = new AbortController().signal
    const runs = heldDown ? ranBefore : (await findContainer(parts, ref, never))?.state === 'running'
    if (runs !== ranBefore) await (ranBefore ? start(never) : stop(never))
  }
  return {
    state,
    start: () => start(),
    stop: () => stop(),
    startForProof: async (needed) => {
      if (needed || (ranBefore && !heldDown)) await start()
    },
    settle: async () => {
      try {
        await settle()
        if (note !== undefined) parts.catalog.dropIntent(note)
      } catch (error) {
        if (note !== undefined) parts.catalog.abandonIntent(note)
        throw error
      } finally {
        note = undefined
      }
    },
  }
}
