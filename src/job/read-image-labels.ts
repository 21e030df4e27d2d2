import type { ContainerFacts } from '../engine/engine.ts'
import { asBackupError, type BackupError } from '../errors.ts'
import { carriesLabels, type ImageLabels } from '../plan/image-labels.ts'
import type { Parts } from './job.ts'

type Labels = Readonly<Record<string, string>>

/**
 * Reads the labels of the images whose containers carry labels of ours. Nothing is asked where the configuration takes labels of images
 * too.
 */
export async function readImageLabels(
  { engine, settings }: Parts,
  containers: ContainerFacts[],
  signal: AbortSignal,
): Promise<ImageLabels> {
  if (settings.imageLabels === 'use') return new Map()
  const ids = new Set(containers.filter(carriesLabels).map(({ imageId }) => imageId))
  const read = async (id: string): Promise<[string, Labels | BackupError]> => {
    try {
      return [id, await engine.imageLabels(id, signal)]
    } catch (error) {
      signal.throwIfAborted()
      return [id, asBackupError(error)]
    }
  }
  return new Map(await Promise.all([...ids].map(read)))
}
