import type { DrillVerdict } from '../catalog/drill-end.ts'
import { standingOf } from '../plan/drills.ts'
import { type Problem, type Target, targetKey } from '../plan/plan.ts'
import type { ObservedTargets } from './observe.ts'
import type { TargetStatus } from './status.ts'

type Observed = Pick<ObservedTargets, 'drills' | 'schedules' | 'now'>

function standing(target: Target, { drills, schedules, now }: Observed) {
  const key = targetKey(target)
  const { firstSeen } = schedules.get(key) ?? {}
  return standingOf(target, drills.get(key) ?? [], { now, ...(firstSeen !== undefined && { firstSeen }) })
}

/** The drill columns of a target. Whether the objective is met is known once a drill has verified a snapshot. */
export function reportDrills(
  target: Target,
  observed: Observed,
): Pick<TargetStatus, 'lastDrill' | 'lastVerdict' | 'drillSeconds' | 'rtoSeconds' | 'rtoMet'> {
  const { last, verified } = standing(target, observed)
  const { rtoSeconds } = target
  const drillSeconds = verified?.seconds ?? null
  return {
    lastDrill: last?.finished ?? null,
    lastVerdict: last?.drill?.verdict ?? null,
    drillSeconds,
    rtoSeconds,
    rtoMet: isMet(last?.drill?.verdict, drillSeconds, rtoSeconds),
  }
}

/** A restore that fails meets no objective, and one that could not be tried says nothing. */
function isMet(verdict: DrillVerdict | undefined, seconds: number | null, rtoSeconds: number): boolean | null {
  if (verdict === 'failed') return false
  return verdict === 'verified' && seconds !== null ? seconds <= rtoSeconds : null
}

/** A drill that failed or could not run, and a proof that is outdated. */
export function drillProblems(target: Target, observed: Observed): Problem[] {
  const { problem } = standing(target, observed)
  if (problem === undefined) return []
  const { project, name, container } = target
  const hint = `Drill it now: xnai-backup verify ${targetKey(target)}.`
  return [{ project, container: container.name, target: name, label: '', value: '', reason: problem, hint }]
}
