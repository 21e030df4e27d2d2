import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import type { Damage } from '../repository.ts'
import { findFolders, isSnapshotFolder, MANIFEST, type SnapshotFolder, SUMS } from './layout.ts'
import { asStored } from './manifest.ts'
import { findDamage } from './read-artifact.ts'
import { damageOf, readSnapshot } from './read-snapshot.ts'

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
