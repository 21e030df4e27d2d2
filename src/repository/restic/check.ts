import { createHash } from 'node:crypto'
import type { ManifestCache } from '../manifest-cache.ts'
import type { Damage, Snapshot } from '../repository.ts'
import { explainDamage } from './explain.ts'
import { listManifests, listRestic } from './list.ts'
import { asStored, MANIFEST } from './manifest.ts'
import { type Restic, resticStream, runRestic } from './program.ts'

/**
 * Lets restic check the whole repository. Where that finds anything, each snapshot is read to its end to name those that are damaged:
 * restic names packs.
 */
export async function* checkRepository(
  restic: Restic,
  manifests: ManifestCache,
  { readData, signal }: { readData: boolean; signal: AbortSignal },
): AsyncGenerator<Damage> {
  const problem = await findProblem(restic, readData, signal)
  const { snapshots, damages } = await listManifests(restic, manifests, signal)
  yield* damages
  if (problem === undefined) return
  let isNamed = damages.length > 0
  for (const snapshot of snapshots) {
    const found = await verifySnapshot(restic, snapshot, signal)
    isNamed ||= found.length > 0
    yield* found
  }
  if (!isNamed) yield { id: '', project: '', target: '', file: 'repository', reason: problem }
}

/** What restic finds; undefined where all is well. */
async function findProblem(restic: Restic, readData: boolean, signal: AbortSignal): Promise<string | undefined> {
  try {
    await runRestic(restic, ['check', ...(readData ? ['--read-data'] : [])], { signal })
    return undefined
  } catch (error) {
    const failure = explainDamage(restic.address.url, error)
    if (failure.code !== 'SNAPSHOT_DAMAGED') throw failure
    return failure.message
  }
}

/** Reads every byte of a snapshot, its manifest included, from the repository itself, and nothing from the cache. */
export async function verifySnapshot(restic: Restic, snapshot: Snapshot, signal: AbortSignal): Promise<Damage[]> {
  const { id, project, target, artifacts } = snapshot
  const root = (await listRestic(restic, signal)).find(({ manifestOf }) => manifestOf === id)
  if (!root) return [{ id, project, target, file: MANIFEST, reason: 'is missing' }]
  const parts = artifacts.map(asStored).map(({ name, kind, sha256, stored }) => ({
    file: name,
    snapshot: stored.snapshot,
    ...(kind === 'stream' && { path: name, sha256 }),
  }))
  const damages: Damage[] = []
  for (const part of [{ file: MANIFEST, snapshot: root.id }, ...parts]) {
    const reason = await findDamage(restic, part, signal)
    if (reason !== undefined) damages.push({ id, project, target, file: part.file, reason })
  }
  return damages
}

/** A snapshot of restic, or one file of it with its hash. */
interface Part {
  snapshot: string | null
  path?: string
  sha256?: string | undefined
}

/**
 * Content, trees and entries alike: restic compares each piece with its hash. A dump of restic 0.18 crashes at a damaged tree and leaves
 * its lock, so that a listing, which takes none, reads all trees before.
 */
async function findDamage(
  restic: Restic,
  { snapshot, path = '/', sha256 }: Part,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (snapshot === null) return undefined
  const hash = createHash('sha256')
  try {
    const call = { signal, isCacheless: true }
    const read = (args: string[]) => resticStream(restic, args, call)
    if (path === '/') for await (const _line of await read(['ls', snapshot]));
    for await (const piece of await read(['dump', '--archive', 'tar', snapshot, path])) hash.update(piece)
  } catch (error) {
    const failure = explainDamage(restic.address.url, error)
    if (failure.code !== 'SNAPSHOT_DAMAGED') throw failure
    return `cannot be read: ${failure.message}`
  }
  const isSame = sha256 === undefined || hash.digest('hex') === sha256
  return isSame ? undefined : 'has another SHA-256 than when it was stored'
}
