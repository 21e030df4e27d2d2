import { targetKey, targetKeyOf } from '../../plan/plan.ts'
import type { Parts } from '../job.ts'
import { finishInContainers } from '../recover/carry-out.ts'
import { dropIntent } from '../settle-intent.ts'

/**
 * Forgets the earlier restores of a target that are not finished, once a whole one is complete: to roll them back would lose it. Then it
 * starts what they kept down. The caller MUST hold the locks of the target and of the containers `locked`.
 */
export async function supersedeUnfinished(
  parts: Parts,
  target: { project: string; name: string },
  locked: string[],
): Promise<void> {
  const older = parts.catalog.claimOrphans(
    (intent) => intent.kind === 'roll-back' && targetKeyOf(intent) === targetKey(target),
  )
  for (const { id } of older) dropIntent(parts, id)
  const kept = older.flatMap(({ intent }) => (intent.kind === 'roll-back' && intent.keepsDown) || [])
  const names = kept.filter((name) => locked.includes(name))
  await finishInContainers(parts, names, new AbortController().signal)
}
