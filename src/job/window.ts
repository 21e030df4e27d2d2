import type { ContainerFacts } from '../engine/engine.ts'
import { BackupError } from '../errors.ts'
import { type Target, targetKey } from '../plan/plan.ts'
import { observePlan } from './current-plan.ts'
import type { Parts } from './job.ts'
import type { Held } from './quiesce.ts'
import { inspectNow } from './service.ts'

/**
 * Looks for containers that ran in the window although they can write the captured data: held ones that somebody started, and stopped
 * ones that were started meanwhile. Returns NOT_STILL naming them, or undefined when the window was one.
 */
export async function findDisturbed(
  parts: Parts,
  targets: Target[],
  held: Held,
  signal: AbortSignal,
): Promise<BackupError | undefined> {
  const still = [...knownWriters(targets, held).values()].filter(
    ({ name, state }) => state !== 'running' || held.names.includes(name),
  )
  const now = await Promise.all(still.map((one) => inspectNow(parts, one, signal)))
  const disturbed = still.filter(({ startedAt }, index) => {
    const found = now[index]
    return found !== undefined && (found.state === 'running' || found.startedAt !== startedAt)
  })
  return explain(disturbed)
}

/**
 * Looks for containers that can write the captured data and were made since the window was planned, be it in the place of a held one.
 * Returns NOT_STILL naming them, or undefined. It asks for all containers, and can wait until services run again. One that was made and
 * removed in the window is not seen. What was inspected for an earlier look may serve: a container that was made since has another id,
 * and none gets another mount while it lives. `end`: the end of the window; what was started from then on, be it by its resume, is no
 * disturbance.
 */
export async function findNewcomers(
  parts: Parts,
  targets: Target[],
  held: Held,
  signal: AbortSignal,
  end: Date,
): Promise<BackupError | undefined> {
  const known = [...knownWriters(targets, held).values()]
  if (known.length === 0) return undefined
  const wanted = targets.map(targetKey)
  const { targets: planned } = await observePlan(parts, signal)
  const now = planned.filter((target) => wanted.includes(targetKey(target))).flatMap(({ touched }) => touched)
  // A systemd unit makes another container with every start.
  const isKnown = ({ id, unit }: ContainerFacts) =>
    known.some((one) => one.id === id || (unit !== undefined && one.unit === unit))
  const ranInIt = ({ startedAt }: ContainerFacts) => startedAt !== undefined && new Date(startedAt) < end
  return explain(now.filter((one) => ranInIt(one) && !isKnown(one)))
}

/** The containers that can write the data, by name. One that was made anew between the plan and the stop is the one that was stopped. */
const knownWriters = (targets: Target[], held: Held): Map<string, ContainerFacts> =>
  new Map([...targets.flatMap(({ touched }) => touched), ...held.containers].map((one) => [one.name, one]))

function explain(disturbed: ContainerFacts[]): BackupError | undefined {
  if (disturbed.length === 0) return undefined
  const names = [...new Set(disturbed.map(({ name }) => name))].join(', ')
  return new BackupError('NOT_STILL', `${names} was started while the data was captured`, {
    hint: 'Find out what starts it (a restart policy, a systemd unit, another program), and try again.',
  })
}
