import type { Parts } from '../job/job.ts'
import { logFailure } from '../lib/log-failure.ts'
import { dueDrill } from '../plan/drills.ts'
import { groupKey, type Target, targetKey } from '../plan/plan.ts'
import { newestBackup } from '../report/newest-backup.ts'
import type { ObservedTargets } from '../report/observe.ts'
import type { Jobs } from './jobs.ts'

/** Drills targets on their schedules, one group at a time, beside the passes and the backups. */
export interface Driller {
  /** Begins what is due. `active`: keys of the targets that are queued or being backed up, which are left to a later pass. */
  consider(observed: ObservedTargets, active: ReadonlySet<string>): void
  /** Resolves when what has begun has ended. */
  drain(): Promise<void>
}

/** One that could not begin is not tried again sooner. */
const restMs = 60_000

/** `onEnd` is called whenever one has ended. Aborting the signal aborts it. */
export function createDriller(
  { catalog, clock, log }: Pick<Parts, 'catalog' | 'clock' | 'log'>,
  { drill }: Pick<Jobs, 'drill'>,
  onEnd: () => void,
  signal: AbortSignal,
): Driller {
  let running: Promise<void> | undefined
  let restsUntilMs = Number.NEGATIVE_INFINITY

  const settle = ({ project, name }: Target, slot: Date) =>
    catalog.saveSchedule(project, name, { lastDrillSlot: slot.toISOString() })
  const carryOut = async (due: Due[]) => {
    const targets = due.map(({ target }) => target)
    try {
      if (await drill(targets, signal)) for (const { target, slot } of due) settle(target, slot)
      else restsUntilMs = clock.monotonicMs() + restMs
    } catch (error) {
      restsUntilMs = clock.monotonicMs() + restMs
      if (!signal.aborted) logFailure(log, 'drill ended without a result', error, { targets: targets.map(targetKey) })
    }
    running = undefined
    onEnd()
  }
  return {
    consider(observed, active) {
      if (running || clock.monotonicMs() < restsUntilMs) return
      const { due, skipped } = findDue(observed)
      for (const { target, slot, reason } of skipped) {
        log.info({ target: targetKey(target), reason }, 'no drill is needed')
        settle(target, slot)
      }
      const [first] = due.filter(({ target }) => !active.has(targetKey(target)))
      if (!first) return
      const together = due.filter(
        ({ target }) => target === first.target || groupKey(target) === groupKey(first.target),
      )
      log.info({ targets: together.map(({ target }) => targetKey(target)), reason: first.reason }, 'drill begins')
      running = carryOut(together)
    },
    drain: async () => await running,
  }
}

interface Due {
  target: Target
  slot: Date
  reason: string
}

function findDue({ plan, schedules, runs, drills, now }: ObservedTargets): { due: Due[]; skipped: Due[] } {
  const due: Due[] = []
  const skipped: Due[] = []
  for (const target of plan.targets) {
    const key = targetKey(target)
    const newest = newestBackup(runs.get(key))?.snapshot
    const state = { schedule: schedules.get(key) ?? {}, drills: drills.get(key) ?? [], newest, now }
    const { slot, skipped: settled, reason } = dueDrill(target, state)
    if (slot) due.push({ target, slot, reason })
    else if (settled) skipped.push({ target, slot: settled, reason })
  }
  return { due, skipped }
}
