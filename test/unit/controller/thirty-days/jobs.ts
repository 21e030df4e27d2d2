import type { RunEnd, RunKind } from '../../../../src/catalog/catalog.ts'
import type { Jobs } from '../../../../src/controller/jobs.ts'
import type { Parts } from '../../../../src/job/job.ts'
import type { Target } from '../../../../src/plan/plan.ts'
import type { Snapshot } from '../../../../src/repository/repository.ts'
import { snapshot } from '../../../support/cli.ts'
import { bytesOf, isDown, lacksRow } from './month.ts'

const backupSeconds = 30
const stopSeconds = 1.5
const drillSeconds = 41

/** Backups that only leave a snapshot, and drills that only leave their verdict. `store` takes what a backup leaves. */
export function playJobs(
  { catalog, clock }: Pick<Parts, 'catalog' | 'clock'>,
  store: (taken: Snapshot) => void,
): Pick<Jobs, 'backup' | 'drill'> {
  /** Takes time, and records what `end` answers. */
  async function record(
    kind: RunKind,
    { project, name }: Target,
    seconds: number,
    end: (began: Date) => Omit<RunEnd, 'finished'>,
  ) {
    const began = clock.now()
    const id = `${kind}-${name}-${began.toISOString()}`
    catalog.startRun({ id, kind, trigger: 'schedule', project, target: name, started: began.toISOString() })
    await clock.sleep(seconds * 1000)
    const ended = end(began)
    catalog.finishRun(id, project, name, { finished: clock.now().toISOString(), seconds, ...ended })
    return { project, target: name, method: 'files' as const, seconds, ...ended }
  }
  const backUp = (target: Target) =>
    record('backup', target, backupSeconds, (began) => {
      if (isDown(target.name, began)) {
        const error = { code: 'SERVICE_DOWN', message: 'the database does not answer', hint: 'Start it.' } as const
        return { outcome: 'failed', error }
      }
      const bytes = bytesOf(target.name, began)
      const taken = snapshot(target.name, began.toISOString(), { bytes })
      store(taken)
      const heldSeconds = { [target.container.name]: stopSeconds }
      return { outcome: 'complete', snapshot: taken.id, bytes, downtimeSeconds: stopSeconds, heldSeconds }
    })
  const drill = (target: Target) => {
    const newest = catalog.lastSnapshot(target.project, target.name) ?? ''
    return record('drill', target, drillSeconds, (began) => judge(target, newest, began))
  }
  const nothing = { downtimeSeconds: 0, stopped: [], heldSeconds: {}, warnings: [] }
  return {
    backup: async (targets) => (await Promise.all(targets.map(backUp))).map((result) => ({ ...nothing, ...result })),
    drill: async (targets) => {
      for (const target of targets) await drill(target)
      return true
    },
  }
}

function judge({ name, rtoSeconds }: Target, newest: string, began: Date): Omit<RunEnd, 'finished'> {
  const ok = !lacksRow(name, began)
  const rows = { name: 'rows of shop.orders', expected: '3', actual: ok ? '3' : '2', ok }
  const checks = [{ ...rows, state: ok ? ('ok' as const) : ('failed' as const) }]
  const verdict = ok ? ('verified' as const) : ('failed' as const)
  const error = { code: 'PROOF_FAILED', message: 'rows of shop.orders: expected 3, found 2', hint: 'Look.' } as const
  return {
    ...{ outcome: ok ? 'complete' : 'failed', snapshot: newest },
    drill: { verdict, tier: 'local', rtoSeconds, checks, notTested: [] },
    ...(!ok && { error }),
  }
}
