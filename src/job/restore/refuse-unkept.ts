import { BackupError } from '../../errors.ts'
import { isWithin } from '../../plan/mounts.ts'
import { locateReplaced } from '../../plan/paths.ts'
import type { Target } from '../../plan/plan.ts'
import type { Parts } from '../job.ts'
import type { TieredSnapshot } from '../repositories.ts'
import { replacedPaths } from './replaced-paths.ts'
import type { Safety } from './take-safety.ts'

/**
 * RESTORE_REFUSED where the restore would replace what the safety snapshot does not hold: nothing could put it back. A server may keep its
 * data at another place than at the backup, which only its capture finds out. What is taken raw is judged by the method.
 */
export function refuseUnkept(
  parts: Parts,
  { container }: Pick<Target, 'container'>,
  wanted: { snapshot: TieredSnapshot; only?: string[] },
  { snapshot: kept, absent, rawPaths }: Safety,
): void {
  if (!kept || rawPaths) return
  const held = locateReplaced(container, [...replacedPaths(parts, kept), ...absent])
  const unkept = locateReplaced(container, replacedPaths(parts, wanted.snapshot, wanted.only)).filter(
    ({ hostPath }) => !held.some((other) => isWithin(hostPath, other.hostPath)),
  )
  if (unkept.length === 0) return
  const [lost, has] = [unkept, held].map((places) => places.map(({ path }) => path).join(', '))
  throw new BackupError('RESTORE_REFUSED', `${container.name} keeps its data in ${has} now, the snapshot has ${lost}`, {
    hint: 'Nothing was touched. Create the service with the place of then, or write the snapshot beside the stack with --to DIR.',
  })
}
