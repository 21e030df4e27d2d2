import { text } from 'node:stream/consumers'
import { version } from '../../version.ts'
import { byAge } from '../by-age.ts'
import type { CachedManifest, ManifestCache } from '../manifest-cache.ts'
import type { Damage, Snapshot } from '../repository.ts'
import { explainDamage, inRestic } from './explain.ts'
import { parseSnapshots, type ResticSnapshot } from './layout.ts'
import { asStored, MANIFEST, parseManifest, type StoredArtifact } from './manifest.ts'
import { type Restic, resticStream, runRestic } from './program.ts'

/** What lies in the repository, by one call of restic. It takes no lock, which a reader would hold against a prune. */
export async function listRestic(restic: Restic, signal: AbortSignal): Promise<ResticSnapshot[]> {
  const { url } = restic.address
  return parseSnapshots(await inRestic(url, () => runRestic(restic, ['snapshots', '--no-lock'], { signal })))
}

export interface Listing {
  /** The whole snapshots, oldest first. */
  snapshots: Snapshot[]
  /** Of those that should be there and are not whole. */
  damages: Damage[]
}

/** Manifests that are read together: each costs a process, most of whose time is the key. */
const batchSize = 2

/** Reads the manifests that the cache does not know. A snapshot of restic never changes, so that its id alone says what it holds. */
export async function listManifests(restic: Restic, manifests: ManifestCache, signal: AbortSignal): Promise<Listing> {
  const { url } = restic.address
  const all = await listRestic(restic, signal)
  const present = new Set(all.map(({ id }) => id))
  const locate = locator(all)
  const known = manifests.read(url)
  const roots = all.filter(({ manifestOf }) => manifestOf !== undefined)
  const fresh: CachedManifest[] = []
  const listing: Listing = { snapshots: [], damages: [] }
  for (let start = 0; start < roots.length; start += batchSize) {
    signal.throwIfAborted()
    const batch = roots.slice(start, start + batchSize)
    for (const { root, cached, reason } of await Promise.all(
      batch.map((one) => readManifest(restic, one, known, signal)),
    )) {
      if (cached && cached !== known.get(cached.folder)) fresh.push(cached)
      const snapshot = cached && locate(cached.snapshot)
      const problem = reason ?? (snapshot && lacking(snapshot, present))
      if (problem !== undefined) listing.damages.push(damageOf(root, MANIFEST, problem))
      else if (snapshot) listing.snapshots.push(snapshot)
    }
  }
  const gone = [...known.keys()].filter((folder) => !present.has(folder))
  manifests.update(url, { entries: fresh, gone })
  listing.snapshots.sort(byAge)
  return listing
}

/** Makes the function by which the artifacts of a copied snapshot name what holds them here. A copy has an id of its own. */
function locator(all: ResticSnapshot[]): (snapshot: Snapshot) => Snapshot {
  const copies = new Map(all.flatMap(({ id, original }) => (original === undefined ? [] : [[original, id] as const])))
  const isCopied = ({ stored }: StoredArtifact) => stored.snapshot !== null && copies.has(stored.snapshot)
  return (snapshot) => {
    const artifacts = snapshot.artifacts.map(asStored)
    if (!artifacts.some(isCopied)) return snapshot
    const located = artifacts.map(({ stored, ...record }) => {
      const id = copies.get(stored.snapshot ?? '') ?? stored.snapshot
      return { ...record, stored: { ...stored, snapshot: id } }
    })
    return { ...snapshot, artifacts: located }
  }
}

/** How the cache keeps a manifest. */
export const toCached = (resticId: string, snapshot: Snapshot): CachedManifest => ({
  folder: resticId,
  identity: version,
  snapshot,
})

interface Reading {
  root: ResticSnapshot
  cached?: CachedManifest
  reason?: string
}

async function readManifest(
  restic: Restic,
  root: ResticSnapshot,
  known: ReadonlyMap<string, CachedManifest>,
  signal: AbortSignal,
): Promise<Reading> {
  const cached = known.get(root.id)
  if (cached?.identity === version) return { root, cached }
  try {
    const snapshot = parseManifest(
      await text(await resticStream(restic, ['dump', root.id, MANIFEST, '--no-lock'], { signal })),
    )
    if (typeof snapshot === 'string') return { root, reason: snapshot }
    if (snapshot.id !== root.manifestOf) return { root, reason: `belongs to snapshot ${snapshot.id}` }
    return { root, cached: toCached(root.id, snapshot) }
  } catch (error) {
    const failure = explainDamage(restic.address.url, error)
    if (failure.code !== 'SNAPSHOT_DAMAGED') throw failure
    return { root, reason: failure.message }
  }
}

/** Why a snapshot is not whole, though its manifest is. */
function lacking({ artifacts }: Snapshot, present: ReadonlySet<string>): string | undefined {
  const missing = artifacts.find((artifact) => {
    const { snapshot } = asStored(artifact).stored
    return snapshot !== null && !present.has(snapshot)
  })
  return missing && `names ${missing.name}, whose snapshot of restic is missing`
}

export function damageOf({ id, manifestOf = '', host, by }: ResticSnapshot, file: string, reason: string): Damage {
  const end = host.lastIndexOf('/')
  const target = { project: host.slice(0, Math.max(end, 0)), target: host.slice(end + 1) }
  return {
    id: manifestOf,
    ...target,
    ...(by !== undefined && { host: by }),
    file: `snapshots/${id.slice(0, 8)}/${file}`,
    reason,
  }
}
