import type { Intent, IntentId, Orphan } from '../catalog/catalog.ts'
import { asBackupError } from '../errors.ts'
import { isBusy, lockAfterRecovery, recoveryRun } from './hold-locks.ts'
import type { Parts } from './job.ts'
import { carryOut } from './recover/carry-out.ts'
import { finishRestore } from './recover/finish-restore.ts'
import { describeIntent, findLeftovers, type Leftover, lockOf, logUnfinished } from './recover/leftovers.ts'
import { sweepRepositories } from './recover/sweep.ts'
import { isKeptDown } from './recover/unfinished.ts'

/** What was finished after dead runs, and what could not be finished, as texts. Every later pass tries the latter again. */
export interface Recovery {
  done: string[]
  problems: string[]
  /** What live runs hold, and is left to the end of their processes. */
  left: IntentId[]
}

/**
 * Finishes what dead or failed runs left behind (P1, P2, P6), each run for itself, then the repositories. It may run beside other work,
 * other recoveries included, because it takes only what no live process owns, under locks of its own.
 */
export async function recover(parts: Parts, signal: AbortSignal): Promise<Recovery> {
  const recovery = await finishAll(parts, findLeftovers(parts.catalog), signal)
  await sweepRepositories(parts, signal)
  return recovery
}

/**
 * Finishes what a recovery has left to live runs, and what other runs have left since by dying. A process that holds containers MUST call
 * it when it has let go of them: what met its locks meanwhile was left to it. What this process has failed to finish itself is no part of
 * it.
 */
export async function recoverRest(parts: Parts, left: IntentId[], signal: AbortSignal): Promise<Recovery> {
  const isMeant = ({ id, origin }: Orphan) => origin !== undefined || left.includes(id)
  return await finishAll(parts, findLeftovers(parts.catalog, isMeant), signal)
}

async function finishAll(parts: Parts, leftovers: Leftover[], signal: AbortSignal): Promise<Recovery> {
  const finished = await Promise.all(leftovers.map((one) => finishLeftover(parts, one, signal)))
  return {
    done: finished.flatMap(({ done }) => done),
    problems: finished.flatMap(({ problems }) => problems),
    left: finished.flatMap(({ left }) => left),
  }
}

/**
 * Finishes what one dead run left behind. What a live run holds is left to it: see `recoverRest`. `known`: the problems of an earlier
 * attempt, which are not logged again.
 */
export async function finishLeftover(
  parts: Parts,
  { ids }: Leftover,
  signal: AbortSignal,
  known: string[] = [],
): Promise<Recovery> {
  const recovery: Attempt = { done: [], problems: [], left: [], known }
  for (const id of ids) {
    const orphan = parts.catalog.orphans().find((one) => one.id === id)
    if (orphan) await settle(parts, id, orphan.intent, recovery, signal)
  }
  return recovery
}

interface Attempt extends Recovery {
  known: string[]
}

/** Takes the lock of the intent, claims it and carries it out. What keeps it from that is a problem of this intent alone. */
async function settle(
  parts: Parts,
  id: IntentId,
  intent: Intent,
  recovery: Attempt,
  signal: AbortSignal,
): Promise<void> {
  // The problem is told by the roll back, which belongs to the same leftover.
  if (isKeptDown(parts.catalog.orphans(), intent)) return
  const what = describeIntent(intent)
  try {
    using lock = await lockFor(parts, intent, signal)
    if (!lock) recovery.left.push(id)
    if (!lock || parts.catalog.claimOrphans((_, other) => other === id).length === 0) return
    if (intent.kind === 'roll-back') await finishRestore(parts, id, intent, signal)
    else await carryOut(parts, id, intent, signal)
    recovery.done.push(what)
    parts.log.warn({ what }, 'finished what a dead run left behind')
  } catch (error) {
    const { message, hint } = asBackupError(error)
    const problem = `${what}: ${message} (${hint})`
    recovery.problems.push(problem)
    if (!recovery.known.includes(problem)) logUnfinished(parts.log, intent, error)
  }
}

/**
 * Waits for another recovery, as a container may be needed by a roll back before it is started. Answers undefined where a live run holds
 * what the intent is about: a container MUST NOT be started in its window, nor a command run there, and a network MUST NOT be left under
 * it.
 */
async function lockFor(parts: Parts, intent: Intent, signal: AbortSignal): Promise<Disposable | undefined> {
  const key = lockOf(intent)
  if (!key) return new DisposableStack()
  try {
    return await lockAfterRecovery(parts, [key], recoveryRun, signal)
  } catch (error) {
    if (isBusy(error)) return undefined
    throw error
  }
}
