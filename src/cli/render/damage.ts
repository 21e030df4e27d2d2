import { targetKeyOf } from '../../plan/plan.ts'
import type { DamagedSnapshot } from '../../report/damage.ts'
import { explainDamage } from '../../repository/known-damage.ts'
import type { TextStyle } from './text-style.ts'
import { formatTime } from './time.ts'

/** A damaged snapshot as a sentence, with when it was found. */
export const describeDamaged = (damaged: DamagedSnapshot, style: TextStyle): string =>
  `${targetKeyOf(damaged)}: snapshot ${damaged.id}: ${explainDamage(damaged.files)} (found ${formatTime(damaged.found, style)})`
