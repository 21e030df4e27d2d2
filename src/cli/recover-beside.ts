import type { IntentId } from '../catalog/catalog.ts'
import { asBackupError } from '../errors.ts'
import type { Parts } from '../job/job.ts'
import { describeLeftovers, findLeftovers } from '../job/recover/leftovers.ts'
import { sweepRepositories } from '../job/recover/sweep.ts'
import type { Recovery } from '../job/recover.ts'
import type { Session } from './command.ts'
import type { Invocation } from './program.ts'

/** The recovery that goes on while a command works. */
export interface RecoveryBeside {
  /**
   * Waits for its end and tells of it, then finishes what it has left because a live run held it. The command has been answered before.
   * Never rejects.
   */
  end(): Promise<void>
}

/** A command waits so long for what dead runs left behind. What takes longer goes on while the command works. */
const patienceMs = 5000

/**
 * Finishes what dead runs left behind (P1, P2) and tells the user: before the command begins where that takes seconds, and beside it where
 * it takes longer. The process then ends when both have. A command that works on a target waits for what concerns it when it takes its
 * locks. Beside a living controller, a command that only reads leaves all of it to the controller. A command that changes something does
 * not begin where the leftovers cannot be looked for; one that reads goes on, because the user has to see the state of things then more
 * than ever.
 */
export async function recoverBeside({ kind }: Invocation, session: Session): Promise<RecoveryBeside> {
  const { parts, signal, note } = session
  const nothing = { end: async () => {} }
  if (kind === 'daemon' || kind === 'recall' || kind === 'diagnose') return nothing
  if (kind === 'read' && isControlled(session)) {
    tellWaiting(session, 'the controller finishes what a run that died left behind')
    return nothing
  }
  let left: IntentId[] = []
  const recovery = finishLeftovers(parts, signal).then(
    (found) => () => {
      tell(session, found)
      left = found.left
    },
    (error: unknown) => () => {
      if (signal.aborted || kind === 'change') throw error
      note(`warning: could not look for what dead runs left behind: ${asBackupError(error).message}\n`)
    },
  )
  const rest = async () => {
    if (kind === 'change') await finishRest(session, left)
  }
  const early = await withinPatience(session, recovery)
  if (early) {
    early()
    return { end: () => rest().catch(warnUnfinished(session)) }
  }
  tellWaiting(session, 'what a run that died left behind is being finished')
  const end = async () => {
    tellWaiting(session, 'this process ends when that is done, and Ctrl-C leaves it to the next one')
    const conclude = await recovery
    conclude()
    await rest()
  }
  return { end: () => end().catch(warnUnfinished(session)) }
}

/** Loads what finishes leftovers where there are any: it is nearly all of the program. */
async function finishLeftovers(parts: Parts, signal: AbortSignal): Promise<Recovery> {
  if (findLeftovers(parts.catalog).length > 0) return await (await import('../job/recover.ts')).recover(parts, signal)
  await sweepRepositories(parts, signal)
  return { done: [], problems: [], left: [] }
}

async function finishRest(session: Session, left: IntentId[]): Promise<void> {
  const { parts, signal } = session
  if (signal.aborted || parts.catalog.orphans().length === 0) return
  const { recoverRest } = await import('../job/recover.ts')
  tell(session, await recoverRest(parts, left, signal))
}

const warnUnfinished =
  ({ note }: Session) =>
  (error: unknown) =>
    note(`warning: what a run that died left behind is not finished: ${asBackupError(error).message}\n`)

function tell({ note }: Session, { done, problems }: Recovery): void {
  for (const text of done) note(`note: after a run that died: ${text}\n`)
  for (const text of problems) note(`warning: after a run that died: ${text}\n`)
}

function tellWaiting({ parts, note }: Session, words: string): void {
  const waiting = describeLeftovers(parts.catalog)
  if (waiting.length > 0) note(`note: ${words}: ${waiting.join('; ')}\n`)
}

/** Answers what the work answers, or undefined where it takes longer. */
async function withinPatience<T>({ parts }: Session, work: Promise<T>): Promise<T | undefined> {
  const over = new AbortController()
  const patience = parts.clock.sleep(patienceMs, over.signal).catch(() => undefined)
  const early = await Promise.race([work, patience])
  over.abort()
  return early ?? undefined
}

/** Whether a controller lives that finishes what dead runs left behind. */
const isControlled = ({ parts }: Session): boolean =>
  parts.catalog.holders().some(({ key }) => key.kind === 'controller')
