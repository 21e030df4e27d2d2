import type { ContainerFacts } from '../engine/engine.ts'
import type { BackupError } from '../errors.ts'
import { decodeLabels } from '../labels/decode.ts'
import { prefix } from '../labels/table.ts'
import type { Problem } from './plan.ts'
import { placeProblem } from './problems.ts'

/** The labels of images by image id, or why they could not be read. An image that is not in it has none. */
export type ImageLabels = ReadonlyMap<string, Readonly<Record<string, string>> | BackupError>

const isOurs = (label: string): boolean => label.startsWith(prefix)

/** Whether the container carries any label of ours, so that it matters what its image carries. */
export const carriesLabels = ({ labels }: ContainerFacts): boolean => Object.keys(labels).some(isOurs)

/** The container without those labels of ours that it has from its image: an image MUST NOT steer backups by itself. */
export function withoutImageLabels(container: ContainerFacts, images: ImageLabels): ContainerFacts {
  const inherited = inheritedLabels(container, images)
  if (inherited.length === 0) return container
  const own = Object.entries(container.labels).filter(([label]) => !inherited.includes(label))
  return { ...container, labels: Object.fromEntries(own) }
}

/**
 * Names each label that does not count because it stands in the image, and an image that could not be asked. A container that opts out
 * by itself is not spoken of.
 */
export function explainImageLabels(container: ContainerFacts, images: ImageLabels): Problem[] {
  const image = images.get(container.imageId)
  if (image instanceof Error) {
    const reason = `the labels of its image ${container.image} count, because they could not be read: ${image.message}`
    return [placeProblem(container, { label: '', value: '', reason })]
  }
  const own = decodeLabels(withoutImageLabels(container, images).labels)
  const optsOut = container.labels[`${prefix}enable`] === 'false' && !own.enabled
  if (optsOut) return []
  return inheritedLabels(container, images).map((label) =>
    placeProblem(container, {
      label,
      value: container.labels[label] ?? '',
      reason: `comes from the image ${container.image} and does not count; image-labels: use in the configuration makes it count, and the container's own label ${prefix}enable=false ends this message`,
    }),
  )
}

/** Labels of ours that have the same value in the image. */
function inheritedLabels({ labels, imageId }: ContainerFacts, images: ImageLabels): string[] {
  const image = images.get(imageId)
  if (!image || image instanceof Error) return []
  return Object.keys(labels).filter((label) => isOurs(label) && image[label] === labels[label])
}
