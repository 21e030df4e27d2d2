import { asBackupError, BackupError } from '../errors.ts'
import type { Parts } from '../job/job.ts'
import type { Plan } from '../plan/plan.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Jobs } from './jobs.ts'
import { observe } from './observe.ts'
import { type Action, reconcile, type Situation } from './reconcile.ts'
import type { Watch } from './watch.ts'

/** What one reconcile pass saw and did. It is a plain record, for status and metrics. */
export interface Pass {
  at: Date
  /** Of the newest pass that could make one. */
  plan: Plan | undefined
  actions: Action[]
  /** Targets that were queued or worked on when it ended. */
  busy: string[]
  /** What could not be recovered, listed or read. */
  errors: BackupError[]
  /** Passes in a row that could not make a plan, this one included. */
  failures: number
}

/** What every pass works with, from the first to the last. */
export interface Machine {
  jobs: Jobs
  watch: Watch
  dispatcher: Dispatcher
  /** What was logged already: a problem that stays is told once. */
  told: Set<string>
}

/** A failure to recover one thing stops no backup of others; without a list of containers nothing can be decided. */
export async function runPass(
  parts: Parts,
  machine: Machine,
  before: Pass | undefined,
  signal: AbortSignal,
): Promise<Pass> {
  const { jobs, watch, dispatcher } = machine
  const errors: BackupError[] = []
  const fail = (what: string) => (error: unknown) => {
    if (signal.aborted) return undefined
    const failure = asBackupError(error)
    errors.push(failure)
    parts.log.error({ err: failure }, what)
  }
  errors.push(...((await recover(parts, jobs, signal).catch(fail('recovery failed'))) ?? []))
  const situation = await observe(parts, dispatcher, watch, jobs.fingerprint, signal).catch(fail('pass failed'))
  errors.push(...(situation ? tellNews(parts, situation, machine.told) : []))
  const actions = situation && !signal.aborted ? reconcile(situation) : []
  dispatcher.dispatch(actions)
  return {
    at: parts.clock.now(),
    plan: situation?.plan ?? before?.plan,
    actions,
    busy: [...dispatcher.busy()],
    errors,
    failures: situation ? 0 : (before?.failures ?? 0) + 1,
  }
}

async function recover({ log }: Parts, jobs: Jobs, signal: AbortSignal): Promise<BackupError[]> {
  const { done, problems } = await jobs.recover(signal)
  for (const what of done) log.warn({ what }, 'finished what a dead run left behind')
  for (const problem of problems) log.error({ problem }, 'could not finish what a dead run left behind')
  return problems.map((problem) => new BackupError('RESUME_FAILED', problem))
}

/** Logs problems of labels and of data that cannot be watched, each when it appears; answers the latter. */
function tellNews({ log }: Parts, { plan, observations }: Situation, told: Set<string>): BackupError[] {
  const unwatched = [...observations].flatMap(([target, observation]) => {
    if (!(observation instanceof Error)) return []
    const { code, message, hint } = asBackupError(observation)
    return [new BackupError(code, `${target}: ${message}`, { hint, cause: observation })]
  })
  const news = new Map([
    ...plan.problems.map((problem) => [JSON.stringify(problem), () => log.warn(problem, 'label problem')] as const),
    ...unwatched.map((err) => [err.message, () => log.warn({ err }, 'data cannot be watched for changes')] as const),
  ])
  for (const [key, tell] of news) if (!told.has(key)) tell()
  told.clear()
  for (const key of news.keys()) told.add(key)
  return unwatched
}
