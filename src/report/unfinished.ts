import type { RollBackIntent } from '../catalog/catalog.ts'
import { wayOut } from '../job/recover/unfinished.ts'
import { type Problem, targetKeyOf } from '../plan/plan.ts'

/** Says of restores that are neither complete nor rolled back what it means for their targets. */
export const reportUnfinished = (restores: RollBackIntent[]): Problem[] => restores.map(explain)

function explain({ project, target, keepsDown = [] }: RollBackIntent): Problem {
  const stays = keepsDown.length === 0 ? '' : `: ${keepsDown.join(', ')} must not run until it is`
  return {
    ...{ project, container: keepsDown[0] ?? '', target, label: '', value: '' },
    reason: `a restore is not finished, so that its data is between two states${stays}`,
    hint: wayOut(targetKeyOf({ project, target })),
  }
}
