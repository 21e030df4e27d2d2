import { BackupError } from '../errors.ts'
import { currentPlan } from '../job/current-plan.ts'
import type { BrokenTarget, Plan, Problem } from '../plan/plan.ts'
import { targetKey } from '../plan/plan.ts'
import type { Session } from './command.ts'

/** The desired state as it is now. */
export async function findPlan({ parts, signal }: Session): Promise<Plan> {
  return (await currentPlan(parts, signal)).plan
}

/** Targets, the broken ones among them. */
export const allTargets = ({ targets, broken }: Plan) => [...targets, ...broken]

/** Why a broken target cannot be worked on. */
export const brokenError = (broken: BrokenTarget): BackupError =>
  new BackupError('TARGET_BROKEN', `${targetKey(broken)} is broken: ${broken.problems.map(describeProblem).join('; ')}`)

/** One line: container, label, value, reason, suggestion. */
export function describeProblem({ container, label, value, reason, suggestion }: Problem): string {
  const where = label === '' ? container : `${container}: ${label}${value === '' ? '' : `=${value}`}`
  return `${where}: ${reason}${suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`}`
}
