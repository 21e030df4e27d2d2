import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { BackupError } from '../../errors.ts'
import type { Damage, Snapshot } from '../repository.ts'
import { findFolders, isSnapshotFolder, MANIFEST, type SnapshotFolder, SUMS } from './layout.ts'
import { asStored, readManifest } from './manifest.ts'
import { findDamage } from './read-artifact.ts'

export interface CheckOptions {
  /** When false, manifests and lengths only are compared. */
  readData: boolean
  signal: AbortSignal
}

export async function* checkAll(dir: string, options: CheckOptions): AsyncGenerator<Damage, void, void> {
  for (const folder of await findFolders(dir)) {
    options.signal.throwIfAborted()
    if (!(await isSnapshotFolder(folder))) continue
    const damages = await checkFolder(folder, options)
    // A snapshot that somebody removed meanwhile is not damaged.
    if (existsSync(folder.absolute)) yield* damages
  }
}

/** Finds every difference between the folder of a snapshot and what was written into it. */
export async function checkFolder(folder: SnapshotFolder, options: CheckOptions): Promise<Damage[]> {
  const names = await readdir(folder.absolute).catch(() => undefined)
  if (!names) return [damageOf(folder, '', 'the folder is missing')]
  const { snapshot, damage } = await readSnapshot(folder)
  if (!snapshot) return [damage]
  const damages: Damage[] = []
  const files = snapshot.artifacts.map((artifact) => asStored(artifact).stored)
  for (const stored of files) {
    const reason = await findDamage(folder.absolute, stored, options)
    if (reason) damages.push(damageOf(folder, stored.file, reason))
  }
  const expected = new Set([MANIFEST, SUMS, ...files.map(({ file }) => file)])
  const extra = names.filter((name) => !expected.has(name))
  return [...damages, ...extra.map((name) => damageOf(folder, name, 'is no part of the snapshot'))]
}

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

function damageOf({ id, project, target, relative }: SnapshotFolder, file: string, reason: string): Damage {
  return { id, project, target, file: file === '' ? relative : `${relative}/${file}`, reason }
}
