import type { Parts } from '../job/job.ts'
import type { ObservedRepository, ObservedTargets } from '../report/observe.ts'
import type { StatusReport } from '../report/status.ts'
import { version } from '../version.ts'
import { createRunCounter } from './count-runs.ts'
import type { MetricsView } from './view.ts'

/** What one controller knows for its metrics since its start. */
export interface LiveMetrics {
  /** It MUST be called at least by the minute. */
  countRuns(): void
  /** `pass`: the newest one. `observed`: what is known of the stack, once a pass has seen it. */
  view(pass: MetricsView['pass'], observed: Observed | undefined): MetricsView
}

interface Observed {
  targets: ObservedTargets
  repositories: ObservedRepository[]
  view: { status: StatusReport }
}

export function createMetrics({ catalog, clock }: Pick<Parts, 'catalog' | 'clock'>): LiveMetrics {
  const started = clock.now()
  const runs = createRunCounter(catalog)
  return {
    countRuns: runs.update,
    view(pass, observed) {
      runs.update()
      const common = { version, started, runs, pendingNotices: catalog.notices().length, ...(pass && { pass }) }
      if (!observed) return common
      const { targets, repositories, view } = observed
      return { ...common, stack: { status: view.status, targets, repositories } }
    },
  }
}
