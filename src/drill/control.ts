import { BackupError } from '../errors.ts'
import type { Parts } from '../job/job.ts'
import { bringDown, bringUp, graceOf, refOf } from '../job/service.ts'
import type { ServiceControl } from '../job/service-control.ts'
import type { Scratch } from './scratch.ts'

/** Starts and stops a scratch container. It has no state to come back to, because it is removed in the end. */
export function controlScratch(
  parts: Parts,
  { container, runs }: Scratch,
  startTimeoutSeconds: number,
  signal: AbortSignal,
): ServiceControl {
  const find = async () => (runs ? await parts.engine.inspect(container.id, signal) : undefined)
  const start = async () => {
    if (!runs) throw new BackupError('INTERNAL', 'a drill starts a container that it has not made')
    await bringUp(parts, refOf(container), { startTimeoutSeconds }, signal)
  }
  return {
    state: async () => (await find())?.state ?? 'created',
    start,
    stop: async () => {
      const now = await find()
      if (now) await bringDown(parts, now, graceOf(now), signal)
    },
    startForProof: async (needed) => {
      if (needed) await start()
    },
    settle: async () => {},
    leave: async () => {},
  }
}
