import type { Pass } from '../controller/pass.ts'
import { BackupError, type ErrorReport, reportError } from '../errors.ts'
import type { Parts } from '../job/job.ts'
import type { Clock } from '../lib/clock.ts'
import { settleWith, withDeadline } from '../lib/deadline.ts'
import { type ObservedRepository, observeCatalog, observeRepositories } from '../report/observe.ts'
import { reportStatus, type StatusReport } from '../report/status.ts'
import type { Tier } from '../repository/repository.ts'

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
}

export interface LiveStatus extends StatusReport {
  pass: PassReport
}

/** The newest pass, for people. */
export interface PassReport {
  /** ISO 8601 UTC: when it ended. */
  time: string
  /** How many in a row could not list the containers. What is said of targets is older then. */
  failures: number
  errors: ErrorReport[]
}

export interface LiveOptions {
  /** Removes secrets from a text. */
  scrub(text: string): string
  /** Aborted when the controller ends. */
  signal: AbortSignal
}

/** A report that is so young is given to the next one who asks, too. */
const reportMs = 1000
/** A listing of a repository reads a folder, or starts a program. Each pass makes a new one worth while. */
const listingMs = 10_000
const listSeconds = 10

export function createLive(parts: Parts, { scrub, signal }: LiveOptions): Live {
  const { clock } = parts
  let newest: Pass | undefined
  let notedMs = clock.monotonicMs()
  const listings = new Map(
    [...parts.repositories].map(([tier, one]) => {
      const only = { catalog: parts.catalog, repositories: new Map([[tier, one]]) }
      return [tier, shareResult(clock, listingMs, () => observeRepositories(only, signal))]
    }),
  )
  const listed = async (tier: Tier, url: string): Promise<ObservedRepository[]> => {
    const failed = (error: BackupError) => [
      { tier, url, snapshots: [], damaged: parts.catalog.damage.read(url), error },
    ]
    if (tier === 'local' && newest?.repositoryFault) return failed(newest.repositoryFault)
    using deadline = withDeadline(signal, listSeconds, 'the repository to answer')
    const asked = settleWith(deadline, async () => listings.get(tier)?.get() ?? [])
    return await asked.catch((cause) =>
      failed(new BackupError('REPOSITORY_UNREACHABLE', `the ${tier} repository does not answer`, { cause })),
    )
  }
  const report = shareResult(clock, reportMs, async () => {
    if (!newest?.observed) throw newest?.errors[0] ?? new BackupError('NOT_READY', 'no pass has ended yet')
    const { observed, at, failures, errors } = newest
    const repositories = await Promise.all([...parts.repositories].map(([tier, { url }]) => listed(tier, url)))
    const { last } = parts.catalog.pruneState()
    const now = { ...observeCatalog(parts, observed.plan), ...(last && { pruned: last }) }
    const pass = { time: at.toISOString(), failures, errors: errors.map(reportError) }
    return scrubAll({ ...reportStatus({ ...now, repositories: repositories.flat() }), pass }, scrub)
  })
  return {
    notePass(pass) {
      newest = pass
      notedMs = clock.monotonicMs()
      report.forget()
      for (const listing of listings.values()) listing.forget()
    },
    pass: () => newest,
    passAgeMs: () => clock.monotonicMs() - notedMs,
    status: report.get,
  }
}

/** Scrubs every text of a document. */
const scrubAll = <T extends object>(document: T, scrub: (text: string) => string): T =>
  JSON.parse(JSON.stringify(document, (_key, value) => (typeof value === 'string' ? scrub(value) : value)))

interface Shared<T> {
  get(): Promise<T>
  /** The next one who asks gets a new result. */
  forget(): void
}

/** Gives one result to all who ask while it is made and for `ms` after it. What fails is given to those who wait, and made anew. */
function shareResult<T>(clock: Clock, ms: number, make: () => Promise<T>): Shared<T> {
  let result: Promise<T> | undefined
  let isPending = false
  let madeMs = 0
  return {
    get() {
      if (result && (isPending || clock.monotonicMs() - madeMs < ms)) return result
      isPending = true
      result = make().finally(() => {
        isPending = false
      })
      madeMs = clock.monotonicMs()
      const own = result
      own.catch(() => {
        if (result === own) result = undefined
      })
      return own
    },
    forget() {
      madeMs = Number.NEGATIVE_INFINITY
    },
  }
}
