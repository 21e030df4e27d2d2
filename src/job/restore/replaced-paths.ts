import type { MethodKind } from '../../labels/spec.ts'
import { pathsWithin } from '../../lib/tree/only.ts'
import { type ReplacedPaths, targetKey } from '../../plan/plan.ts'
import type { Snapshot } from '../../repository/repository.ts'
import type { Parts } from '../job.ts'
import type { RestorePlan } from './plan.ts'

/** The container paths that a restore of the snapshot replaces, as far as they were asked for. Empty where only the server knows them. */
export function replacedPaths(parts: Parts, snapshot: Snapshot, only?: string[]): string[] {
  const method = snapshot.raw ? 'files' : (snapshot.method as MethodKind)
  const all = parts.methods[method]?.replaces?.(snapshot) ?? []
  return only ? all.filter((path) => pathsWithin(path, only)?.length) : all
}

/** What the steps replace, as far as it is known. */
export function replacedBySteps(parts: Parts, { steps, only }: Pick<RestorePlan, 'steps' | 'only'>): ReplacedPaths {
  const known = steps.map((step) => [targetKey(step), replacedPaths(parts, step.snapshot, only)] as const)
  return new Map(known.filter(([, paths]) => paths.length > 0))
}
