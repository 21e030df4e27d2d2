import { BackupError } from '../../../src/errors.ts'
import { runBackupIfFree } from '../../../src/job/backup/if-free.ts'
import { runBackup } from '../../../src/job/backup.ts'
import { currentPlan } from '../../../src/job/current-plan.ts'
import type { Parts } from '../../../src/job/job.ts'
import { prune } from '../../../src/job/prune.ts'
import { recover } from '../../../src/job/recover.ts'
import { listSnapshots } from '../../../src/job/repositories.ts'
import { planRestore } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import { openPlayer } from './stack.ts'
import { makeTracer, type Step } from './trace.ts'
import { type Board, type Switch, takeTurns } from './turns.ts'

/** What one thread does in a play. */
export type Job =
  /** `scheduled` waits for no other run, and is tried again. */
  | { kind: 'backup'; target: string; scheduled?: true }
  /** Puts the oldest snapshot of the target back. */
  | { kind: 'restore'; target: string }
  | { kind: 'recover' }
  /** Removes what retention does not keep. */
  | { kind: 'prune' }

export interface JobOrder {
  folder: string
  board: Board
  thread: number
  switches: Switch[]
  job: Job
}

export interface JobReport {
  /** `complete`, or the codes of the failures. */
  outcome: string
  steps: Step[]
}

/** Does one job in turns with the other threads. */
export async function playJob({ folder, board, thread, switches, job }: JobOrder): Promise<JobReport> {
  const turns = takeTurns(board, thread, switches)
  let tracer: ReturnType<typeof makeTracer> | undefined
  try {
    using player = openPlayer(folder, (what) => tracer?.step(what))
    tracer = makeTracer(turns, thread, player.world)
    const { step, watch, steps } = tracer
    const { parts } = player
    const clock = { ...parts.clock, sleep: async () => turns.rest() }
    const repositories = new Map([...parts.repositories].map(([tier, one]) => [tier, watch('repository', one)]))
    const engine = watch('engine', parts.engine)
    const watched = { ...parts, engine, catalog: watch('catalog', parts.catalog), repositories, clock }
    step(`begin of ${job.kind}`)
    const outcome = await carryOut(watched, job, turns.rest).catch(outcomeOfError)
    step(`end of ${job.kind}`)
    return { outcome, steps }
  } catch (error) {
    return { outcome: `threw ${(error as Error).stack}`, steps: tracer?.steps ?? [] }
  } finally {
    turns.end()
  }
}

async function carryOut(parts: Parts, job: Job, rest: () => void): Promise<string> {
  const { signal } = new AbortController()
  if (job.kind === 'recover') {
    const { problems } = await recover(parts, signal)
    return problems.length === 0 ? 'complete' : problems.join('; ')
  }
  if (job.kind === 'prune') {
    const [pruned] = await prune(parts, { tiers: ['local'], all: false, dryRun: false }, signal)
    return outcomeOf([
      { outcome: pruned?.error ? 'failed' : 'complete', ...(pruned?.error && { error: pruned.error }) },
    ])
  }
  if (job.kind === 'restore') {
    const own = (await listSnapshots(parts, signal)).filter(({ target }) => target === job.target)
    const wanted = { targets: [{ project: 'shop', name: job.target }], at: own[0]?.id ?? 'latest' }
    const plan = await planRestore(parts, wanted, signal)
    return outcomeOf((await runRestore(parts, plan, { safety: true }, signal)).targets)
  }
  for (;;) {
    const { plan } = await currentPlan(parts, signal)
    const targets = plan.targets.filter(({ name }) => name === job.target)
    const run = job.scheduled
      ? await runBackupIfFree(parts, targets, { reason: 'schedule' }, signal)
      : await runBackup(parts, targets, { reason: 'manual' }, signal)
    if (run) return outcomeOf(run.targets)
    rest()
  }
}

/** A run that cannot begin throws. */
function outcomeOfError(error: unknown): string {
  if (error instanceof BackupError) return outcomeOf([{ outcome: 'failed', error }])
  throw error
}

const outcomeOf = (results: { outcome: string; error?: { code: string; message: string } }[]): string =>
  results.map(({ outcome, error }) => (error ? `${outcome}: ${error.code} ${error.message}` : outcome)).join('; ')
