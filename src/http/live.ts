import type { Pass } from '../controller/pass.ts'
import { asBackupError, BackupError, reportError } from '../errors.ts'
import { programOnHost } from '../hints.ts'
import type { Parts } from '../job/job.ts'
import { listSnapshots } from '../job/repositories.ts'
import { scrubAll } from '../lib/scrub-all.ts'
import { createMetrics } from '../metrics/live-metrics.ts'
import type { MetricsView } from '../metrics/view.ts'
import type { Overview, TargetView, View } from '../page/view.ts'
import { targetKey } from '../plan/plan.ts'
import { lastDrill, pastRuns, reportHistory } from '../report/history.ts'
import { reportJobs } from '../report/jobs.ts'
import { type ObservedTargets, observeCatalog, observeUpkeep } from '../report/observe.ts'
import { reportSnapshots } from '../report/snapshots.ts'
import { reportStatus, type StatusReport } from '../report/status.ts'
import { createListings } from './listings.ts'
import { shareResult } from './share-result.ts'

/** What the running controller knows, for all who ask it by HTTP. However many ask, the engine is never asked for them. */
export interface Live {
  /** Takes the newest pass of the controller. */
  notePass(pass: Pass): void
  /** The newest pass. Undefined before the first one has ended. */
  pass(): Pass | undefined
  /** Milliseconds since the last pass ended, or since the start. */
  passAgeMs(): number
  /** The report of `status --json`, without secrets. NOT_READY, or why the first pass failed, until a pass has seen the stack. */
  status(): Promise<LiveStatus>
  /** What the page of all targets shows. Fails as `status` does. */
  overview(): Promise<Omit<Overview, 'canLogOut'>>
  /** What the page of one target shows; undefined where the plan has none of that name. Fails as `status` does. */
  target(project: string, name: string): Promise<Omit<TargetView, 'canLogOut'> | undefined>
  /** What metrics are made of, before the first pass too. */
  metrics(): Promise<MetricsView>
}

export interface LiveStatus extends StatusReport {
  pass: View['pass']
}

export interface LiveOptions {
  /** Removes secrets from a text. */
  scrub(text: string): string
  /** Aborted when the controller ends. */
  signal: AbortSignal
}

/** A report that is so young is given to the next one who asks, too. */
const reportMs = 1000
const snapshotsMs = 10_000

export function createLive(parts: Parts, { scrub, signal }: LiveOptions): Live {
  const { clock, settings } = parts
  let newest: Pass | undefined
  const metrics = createMetrics(parts)
  let notedMs = clock.monotonicMs()
  const scrubbed = <T>(document: T): T => scrubAll(document, scrub)
  const listings = createListings(parts, signal)
  const seen = () => {
    if (newest?.observed) return { ...newest, plan: newest.observed.plan }
    throw newest?.errors[0] ?? new BackupError('NOT_READY', 'no pass has ended yet')
  }
  const observe = shareResult(clock, reportMs, async () => {
    const { plan, repositoryFault, at, failures, errors } = seen()
    const targets = observeCatalog(parts, plan)
    const repositories = await listings.observe(changeOf(targets), repositoryFault)
    const status = reportStatus({ ...targets, ...observeUpkeep(parts), repositories })
    const pass = { time: at.toISOString(), failures, errors: errors.map(reportError) }
    return { targets, repositories, view: scrubbed({ status, pass, jobs: reportJobs(parts) }) }
  })
  // The report tells of a repository that is away.
  const snapshots = shareResult(clock, snapshotsMs, async () =>
    reportSnapshots(parts, seen().plan, await listSnapshots(parts, signal, { onAway: () => {} })),
  )
  const viewOf = (targets: ObservedTargets, view: Pick<View, 'status' | 'pass' | 'jobs'>) => {
    const engine = parts.ownMounts ? (targets.plan.targets[0]?.container.engine ?? 'podman') : undefined
    return { ...view, now: clock.now(), timezone: settings.timezone, program: programOnHost(engine) }
  }
  return {
    notePass(pass) {
      newest = pass
      metrics.countRuns()
      notedMs = clock.monotonicMs()
    },
    pass: () => newest,
    passAgeMs: () => clock.monotonicMs() - notedMs,
    async status() {
      const { status, pass } = (await observe()).view
      return { ...status, pass }
    },
    async overview() {
      const { targets, view } = await observe()
      const histories = new Map([...targets.runs].map(([key, runs]) => [key, reportHistory(runs)]))
      return { ...viewOf(targets, view), histories }
    },
    metrics: async () => metrics.view(newest, newest?.observed && (await observe())),
    async target(project, name) {
      const { targets, view } = await observe()
      const target = view.status.targets.find((one) => one.project === project && one.target === name)
      if (!target) return undefined
      const key = targetKey({ project, name })
      const found = await snapshots(changeOf(targets)).then(
        (all) => ({ all, error: undefined }),
        (error) => ({ all: [], error: reportError(asBackupError(error)) }),
      )
      return {
        ...viewOf(targets, view),
        target,
        history: reportHistory(targets.runs.get(key) ?? []),
        targetZone: targets.plan.targets.find((one) => targetKey(one) === key)?.timezone ?? settings.timezone,
        snapshots: scrubbed(found.all.filter((one) => one.project === project && one.target === name)),
        snapshotsError: scrubbed(found.error),
        runs: scrubbed(pastRuns(parts, project, name)),
        drill: scrubbed(lastDrill(parts, project, name)),
      }
    },
  }
}

/** Changes with every run that has ended: only then are there other snapshots than before. */
const changeOf = ({ runs }: ObservedTargets): string =>
  [...runs.values()].map((own) => own.find(({ outcome }) => outcome !== undefined)?.id).join()
