import { coveredPlaces, isCovered, unlabelled } from '../../plan/covered.ts'
import { dataMounts } from '../../recipes/mounts.ts'
import { bad, type Check, orGood } from '../check.ts'

/** Data that nobody backs up: volumes and writable binds of containers without labels, which no target holds either. */
export const checkUnprotected: Check = ({ parts, stack }) => {
  if (stack instanceof Error) return []
  const places = coveredPlaces(stack.plan)
  const found = unlabelled(stack.containers, parts.settings).flatMap((container) => {
    const bare = dataMounts(container).data.filter((mount) => !isCovered(mount, places))
    if (bare.length === 0) return []
    const what = bare.map(({ name, source, destination }) => `${name ?? source} at ${destination}`).join(', ')
    return [bad('unprotected', `nobody backs up what ${container.name} keeps in ${what}`, fix)]
  })
  return orGood(
    found,
    'unprotected',
    'every volume and writable bind of the project belongs to a target, or its service opts out',
  )
}

const fix =
  'xnai-backup init proposes labels for it. Data that need not be kept is opted out by the label xnai.backup.enable: "false".'
