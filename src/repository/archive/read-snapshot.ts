import { BackupError } from '../../errors.ts'
import type { Damage, Snapshot } from '../repository.ts'
import { MANIFEST, type SnapshotFolder } from './layout.ts'
import { readManifest } from './manifest.ts'

export type Reading = { snapshot: Snapshot; damage?: never } | { snapshot?: never; damage: Damage }

/** Reads the snapshot in a folder, or says why there is none. */
export async function readSnapshot(folder: SnapshotFolder): Promise<Reading> {
  try {
    const snapshot = await readManifest(folder.absolute)
    const isHere = (['project', 'target', 'id'] as const).every((key) => snapshot[key] === folder[key])
    if (isHere) return { snapshot }
    const place = `${snapshot.project}/${snapshot.target}/${snapshot.id}`
    return { damage: damageOf(folder, MANIFEST, `belongs to ${place}: the folder was moved or renamed`) }
  } catch (error) {
    if (!(error instanceof BackupError)) throw error
    const { file, reason } = error.cause as { file: string; reason: string }
    return { damage: damageOf(folder, file, reason) }
  }
}

export function damageOf({ id, project, target, relative }: SnapshotFolder, file: string, reason: string): Damage {
  return { id, project, target, file: file === '' ? relative : `${relative}/${file}`, reason }
}
