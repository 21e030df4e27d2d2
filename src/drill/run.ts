import type { Outcome, RunTrigger } from '../catalog/catalog.ts'
import { drillLock } from '../catalog/keys.ts'
import { newId } from '../job/identify.ts'
import { type Parts, type Progress, worstOutcome } from '../job/job.ts'
import { sweepScratch } from '../job/scratch.ts'
import { watchCancel } from '../job/watch-cancel.ts'
import { targetKey } from '../plan/plan.ts'
import type { Tier } from '../repository/repository.ts'
import { drillBatch } from './batch.ts'
import { type Named, planDrills } from './plan.ts'
import type { DrillResult } from './result.ts'

export interface DrillOptions {
  trigger: RunTrigger
  /** The repository that the snapshots are read from. Default: the first that has them. */
  tier?: Tier
  progress?: Progress
}

export interface DrillRun {
  run: string
  /** ISO 8601 UTC. */
  started: string
  outcome: Outcome
  targets: DrillResult[]
}

/** Drills targets, one group after the other. BUSY while another run drills one of them. */
export async function runDrills(
  parts: Parts,
  wanted: Named[],
  { trigger, tier, progress }: DrillOptions,
  signal: AbortSignal,
): Promise<DrillRun> {
  const begun = parts.clock.now()
  const run = newId(begun)
  using _locks = parts.catalog.lock(
    wanted.map((one) => drillLock(targetKey(one))),
    run,
  )
  using cancel = watchCancel(parts, run, signal)
  await sweepScratch(parts, cancel.signal)
  const { batches, refused, containers } = await planDrills(parts, wanted, tier, cancel.signal)
  const targets: DrillResult[] = [...refused]
  for (const [index, steps] of batches.entries()) {
    const options = { run, trigger, part: String(index), progress, containers }
    targets.push(...(await drillBatch(parts, steps, options, cancel.signal)))
  }
  return { run, started: begun.toISOString(), outcome: worstOutcome(targets), targets }
}
