import type { Catalog } from '../catalog/catalog.ts'
import { type Proof, proofsOf } from '../plan/drills.ts'
import { targetKeyOf } from '../plan/plan.ts'
import type { TargetId } from '../repository/repository.ts'

/** More drills than are kept of a target. */
const everyDrill = 1000

/** The newest proof of each snapshot of a target, by the id of the snapshot. */
export const proofsFor = (catalog: Pick<Catalog, 'runs'>, { project, target }: TargetId): Map<string, Proof> =>
  proofsOf(catalog.runs({ project, target, kind: 'drill', limit: everyDrill }))

/** Those of all targets that the snapshots belong to. */
export function allProofs(catalog: Pick<Catalog, 'runs'>, snapshots: readonly TargetId[]): Map<string, Proof> {
  const targets = new Map(snapshots.map((one) => [targetKeyOf(one), one]))
  return new Map([...targets.values()].flatMap((target) => [...proofsFor(catalog, target)]))
}
