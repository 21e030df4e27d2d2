import { BackupError } from '../errors.ts'
import { currentPlan } from '../job/current-plan.ts'
import { type BrokenTarget, type Plan, targetKey } from '../plan/plan.ts'
import type { Session } from './command.ts'
import { describeProblem } from './render/problems.ts'

/** The desired state as it is now. */
export async function findPlan({ parts, signal }: Session): Promise<Plan> {
  return (await currentPlan(parts, signal)).plan
}

/** Targets, the broken ones among them. */
export const allTargets = ({ targets, broken }: Plan) => [...targets, ...broken]

/** Why a broken target cannot be worked on. */
export const brokenError = (broken: BrokenTarget): BackupError =>
  new BackupError('TARGET_BROKEN', `${targetKey(broken)} is broken: ${broken.problems.map(describeProblem).join('; ')}`)
