import type { ContainerFacts } from '../engine/engine.ts'
import { asBackupError, type BackupError, reportError } from '../errors.ts'
import { currentPlan, type liveTarget } from '../job/current-plan.ts'
import type { Parts } from '../job/job.ts'
import { planRestore, type StepInPlace } from '../job/restore/plan.ts'
import { stepInPlace } from '../job/restore.ts'
import { groupKey, targetKey } from '../plan/plan.ts'
import type { Tier } from '../repository/repository.ts'
import { type DrillResult, judgeFailure } from './result.ts'

export interface Named {
  project: string
  name: string
}

export interface DrillPlan {
  /** Those of a batch are drilled together, in order. */
  batches: StepInPlace[][]
  /** What cannot be drilled at all. */
  refused: DrillResult[]
  containers: ContainerFacts[]
}

/** Chooses the newest snapshot of each target, and for those of a group the newest that were taken together. */
export async function planDrills(
  parts: Parts,
  wanted: Named[],
  tier: Tier | undefined,
  signal: AbortSignal,
): Promise<DrillPlan> {
  const { plan, containers } = await currentPlan(parts, signal)
  const narrowed = tier === undefined ? parts : { ...parts, repositories: only(parts, tier) }
  const groups = Map.groupBy(wanted, (one) => {
    const target = plan.targets.find((other) => targetKey(other) === targetKey(one))
    return target ? groupKey(target) : targetKey(one)
  })
  const batches: StepInPlace[][] = []
  const refused: DrillResult[] = []
  const choose = async (targets: Named[]) =>
    (await planRestore(narrowed, { targets, at: 'latest' }, signal)).steps.map(stepInPlace)
  for (const members of groups.values()) {
    const together = members.length > 1 ? await choose(members).catch(() => undefined) : undefined
    if (together) batches.push(together)
    for (const one of together ? [] : members) {
      const found = await choose([one]).catch((error: unknown) => asBackupError(error))
      if (Array.isArray(found)) batches.push(found)
      else refused.push(refusal(one, liveRto(plan, one) ?? parts.settings.rtoSeconds, found))
    }
  }
  signal.throwIfAborted()
  return { batches, refused, containers }
}

const only = ({ repositories }: Parts, tier: Tier): Parts['repositories'] =>
  new Map([...repositories].filter(([name]) => name === tier))

type CurrentPlan = Parameters<typeof liveTarget>[0]
const liveRto = (plan: CurrentPlan, one: Named): number | undefined =>
  plan.targets.find((other) => targetKey(other) === targetKey(one))?.rtoSeconds

const refusal = ({ project, name }: Named, rtoSeconds: number, error: BackupError): DrillResult => ({
  ...{ project, target: name, outcome: 'failed', verdict: judgeFailure('stored bytes', error.code) },
  ...{ seconds: 0, rtoSeconds, rtoMet: null, checks: [], notTested: [], steps: [], warnings: [] },
  error: reportError(error),
})
