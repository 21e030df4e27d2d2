import type { Catalog, Intent, IntentId, Orphan } from '../../catalog/catalog.ts'
import { containerLock, formatKey, type LockKey, networkLock, targetLock } from '../../catalog/keys.ts'
import type { Log } from '../../lib/log.ts'
import { logFailure } from '../../lib/log-failure.ts'
import { targetKeyOf } from '../../plan/plan.ts'
import { recoveryRun } from '../hold-locks.ts'
import { keepsDown } from './unfinished.ts'

/** What one dead run left behind, in the order in which it is to be finished. */
export interface Leftover {
  ids: IntentId[]
  /** What is to be done, as texts. */
  what: string[]
}

/**
 * What dead and failed runs left behind and nobody works on. What one process left belongs together: incomplete restores first, while
 * their clients are down, then its containers, the last stopped one first. What was abandoned after a failure stands alone, but for the
 * containers that an incomplete restore keeps down: they belong to it.
 */
export function findLeftovers(catalog: Catalog, isMeant: (orphan: Orphan) => boolean = () => true): Leftover[] {
  const all = catalog.orphans().filter(isMeant)
  const groups = Map.groupBy(all, (orphan) => {
    const { id, origin } = all.find(({ intent }) => keepsDown(intent, orphan.intent)) ?? orphan
    return origin ?? id
  })
  return [...groups.values()].map((orphans) => {
    const sorted = [...orphans.filter(isRollBack), ...orphans.filter((orphan) => !isRollBack(orphan))]
    return { ids: sorted.map(({ id }) => id), what: sorted.map(({ intent }) => describeIntent(intent)) }
  })
}

/** What is still to be finished, as texts: see `openIntents`. */
export const describeLeftovers = (catalog: Catalog): string[] => [...new Set(openIntents(catalog).map(describeIntent))]

/** What is still to be finished: what nobody works on, and what a recovery of any process works on now. */
export function openIntents(catalog: Catalog): Intent[] {
  const held = new Set(
    catalog
      .holders()
      .filter(({ run }) => run === recoveryRun)
      .map(({ key }) => formatKey(key)),
  )
  const isHeld = (key: LockKey | undefined) => key !== undefined && held.has(formatKey(key))
  const underway = catalog.intents().filter((intent) => isHeld(lockOf(intent)))
  return [...catalog.orphans().map(({ intent }) => intent), ...underway]
}

const isRollBack = ({ intent }: Orphan): boolean => intent.kind === 'roll-back'

/** The lock under which recovery works on it; undefined for what needs none. */
export function lockOf(intent: Intent): LockKey | undefined {
  if (intent.kind === 'roll-back') return targetLock(intent.project, intent.target)
  if (intent.kind === 'leave-network') return networkLock(intent.network)
  return intent.kind === 'remove-scratch' || intent.kind === 'end-drill'
    ? undefined
    : containerLock(intent.container.name)
}

/** Logs that an intent could not be carried out. A later recovery tries again. */
export const logUnfinished = (log: Log, intent: Intent, error: unknown): void =>
  logFailure(log, 'could not finish what a dead run left behind', error, { what: describeIntent(intent) })

export function describeIntent(intent: Intent): string {
  if (intent.kind === 'roll-back') return `finish the restore of ${targetKeyOf(intent)}`
  if (intent.kind === 'resume') return `${intent.how} container ${intent.container.name}`
  if (intent.kind === 'undo-method') return `clean up in ${intent.container.name}`
  if (intent.kind === 'remove-scratch') return `remove ${intent.folder}`
  if (intent.kind === 'end-drill') return `remove what drill ${intent.run} has made`
  if (intent.kind === 'exec') return `exec-post in ${intent.container.name}`
  return `leave network ${intent.network}`
}
