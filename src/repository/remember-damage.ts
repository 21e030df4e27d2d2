import { asBackupError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { logFailure } from '../lib/log-failure.ts'
import {
  type DamageMemory,
  type Inspection,
  type KnownDamage,
  mergeInspection,
  notAmong,
  placeKey,
} from './known-damage.ts'
import type { Damage, Repository, Snapshot } from './repository.ts'
import { isOfHost } from './snapshot.ts'

/**
 * Remembers the damage that listings, checks and read-backs find, until one finds the snapshot whole or gone, and lists each snapshot with
 * what is known of it. What another host than `host` stored is its own matter. A read that fails halfway proves no damage by itself, because
 * the reading program or the place that is written to may be at fault; restores read the snapshot back before it. Where the memory cannot
 * be written, the log tells so and the caller gets what was found.
 */
export function rememberingDamage(
  inner: Repository,
  memory: DamageMemory,
  { clock, log, host }: { clock: Pick<Clock, 'now'>; log: Log; host?: string },
): Repository {
  const { url } = inner
  const note = (read: Omit<Inspection, 'ended'>) => {
    const inspection = { ...read, ended: clock.now().toISOString() }
    if (isSame(mergeInspection(read.before, inspection), read.before)) return
    try {
      memory.change(url, (known) => mergeInspection(known, inspection))
    } catch (error) {
      logFailure(log, 'damage could not be remembered', error, { damages: read.damages })
    }
  }
  const verify: Repository['verify'] = async (snapshot, signal) => {
    const before = memory.read(url)
    const damages = await inner.verify(snapshot, signal)
    if (!isOfHost(snapshot, host)) return damages
    const key = placeKey(snapshot)
    note({ depth: 'bytes', before, damages, verdict: (place) => (placeKey(place) === key ? 'whole' : 'unknown') })
    return damages
  }
  return {
    ...inner,
    verify,
    async list(signal, onDamage) {
      const before = memory.read(url)
      const unreadable: Damage[] = []
      const snapshots = await inner.list(signal, (damage) => unreadable.push(damage))
      for (const damage of unreadable) onDamage?.(damage)
      note({ depth: 'manifest', before, ...judgeListing(snapshots, unreadable, before) })
      return markDamaged(snapshots, memory.read(url))
    },
    async *check(how) {
      const before = memory.read(url)
      const damages: Damage[] = []
      let isOver = false
      try {
        for await (const damage of inner.check(how)) {
          if (damage.host === undefined) damages.push(damage)
          yield damage
        }
        isOver = true
      } finally {
        const verdict = () => (isOver ? 'whole' : 'unknown')
        note({ depth: how.readData ? 'bytes' : 'sizes', before, damages, verdict })
      }
    },
    async *listTree(snapshot, artifact, signal) {
      try {
        yield* inner.listTree(snapshot, artifact, signal)
      } catch (error) {
        if (asBackupError(error).code === 'SNAPSHOT_DAMAGED') await verify(snapshot, signal)
        throw error
      }
    },
  }
}

/** Listings come often: what is known already of a snapshot that still cannot be read is not written again. */
function judgeListing(snapshots: Snapshot[], unreadable: Damage[], before: KnownDamage[]) {
  const listed = new Set(snapshots.map(placeKey))
  const told = new Set(unreadable.map(placeKey))
  const verdict: Inspection['verdict'] = (place) => {
    if (listed.has(placeKey(place))) return 'whole'
    return told.has(placeKey(place)) ? 'unknown' : 'gone'
  }
  return { damages: notAmong(unreadable, before), verdict }
}

const isSame = (some: KnownDamage[], others: KnownDamage[]): boolean =>
  some.length === others.length && some.every((entry) => others.includes(entry))

function markDamaged(snapshots: Snapshot[], known: KnownDamage[]): Snapshot[] {
  const byPlace = new Map(known.map((damaged) => [placeKey(damaged), damaged]))
  return snapshots.map((snapshot) => {
    const damaged = byPlace.get(placeKey(snapshot))
    return damaged ? { ...snapshot, damaged } : snapshot
  })
}
