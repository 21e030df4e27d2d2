import type { ContainerFacts, Mount } from '../engine/engine.ts'
import { locate } from '../engine/host-paths.ts'
import { decodeLabels } from '../labels/decode.ts'
import { isWithin } from './mounts.ts'
import type { Plan, PlanSettings, Target } from './plan.ts'
import { inScope, isController } from './scope.ts'

/** Places on the host that the targets of a plan hold. A target that dumps holds all that its container's writable mounts hold. */
export const coveredPlaces = ({ targets }: Plan): string[] => [...new Set(targets.flatMap(placesOf))]

function placesOf({ container, paths }: Target): string[] {
  const places =
    paths.length > 0
      ? paths.map((path) => locate(container, path)?.hostPath)
      : container.mounts.filter(holdsData).map(({ source }) => source)
  return places.filter((place) => place !== undefined)
}

const holdsData = ({ writable, kind }: Mount): boolean => writable && kind !== 'other'

/** The containers of the plan's project whose labels say nothing of backups: no target, and no `enable` that opts out. */
export function unlabelled(containers: ContainerFacts[], settings: PlanSettings): ContainerFacts[] {
  return inScope(containers, settings).filter((container) => {
    if (isController(container, settings) || container.unreadable !== undefined) return false
    const { enabled, targets, broken, groupWriter, writer } = decodeLabels(container.labels)
    const optsOut = container.labels['xnai.backup.enable'] === 'false'
    return (
      !enabled && !optsOut && targets.length + broken.length === 0 && groupWriter === undefined && writer === undefined
    )
  })
}

/** Whether a target holds the mount or a part of it. */
export const isCovered = ({ source }: Mount, places: readonly string[]): boolean =>
  places.some((place) => isWithin(place, source) || isWithin(source, place))
