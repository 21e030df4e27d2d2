import { BackupError } from '../errors.ts'
import type { Damage, Repository, Snapshot } from './repository.ts'
import { isOfHost } from './snapshot.ts'

export interface OwnSnapshots {
  /** The name of this host. */
  host: string
  /** Whether what older versions stored there, which named no host, is known to be of this one. */
  claimsOld(): boolean
}

/**
 * Limits a repository that several hosts share to the snapshots of this one: they alone are listed, removed and judged, and whatever is
 * stored gets the name of this host. What older versions stored is listed for every host. Reading a snapshot that `listAll` has answered
 * is not limited, and `check` tells of all of them.
 */
export function forHost(inner: Repository, own: OwnSnapshots): Repository {
  const { host } = own
  const isOwn = (one: { host?: string }) => isOfHost(one, host)
  const list: Repository['list'] = async (signal, onDamage) => {
    const listed = await inner.list(signal, (damage) => isOwn(damage) && onDamage?.(withoutHost(damage)))
    const marks = own.claimsOld() ? {} : { unclaimed: true as const }
    return listed.filter(isOwn).map((one) => (one.host === undefined ? { ...one, ...marks } : one))
  }
  const { prepare } = inner
  return {
    ...inner,
    list,
    listAll: (signal) => inner.list(signal),
    ...(prepare && { prepare: (target, trees, how) => prepare({ ...target, host }, trees, how) }),
    stage: async (target, artifacts, how) => {
      const staged = await inner.stage({ ...target, host }, artifacts, how)
      return { ...staged, publish: (meta, signal) => staged.publish({ ...meta, host }, signal) }
    },
    async *check(how) {
      let all: Snapshot[] | undefined
      for await (const damage of inner.check(how)) {
        all ??= await inner.list(how.signal)
        const by = damage.host ?? all.find(({ id }) => id === damage.id)?.host
        yield by === undefined || by === host ? withoutHost(damage) : { ...damage, host: by }
      }
    },
    remove: async (ids, signal) => {
      refuseOthers(inner.url, await placesOf(inner, ids, signal), own)
      await inner.remove(ids, signal)
    },
  }
}

function withoutHost({ host: _host, ...damage }: Damage): Damage {
  return damage
}

type Place = { id: string; host?: string; isReadable: boolean }

/** What is known of the snapshots with these ids, whether or not their description can be read. */
async function placesOf(inner: Repository, ids: string[], signal: AbortSignal): Promise<Place[]> {
  const unreadable: Place[] = []
  const listed = await inner.list(signal, (damage) => unreadable.push({ ...damage, isReadable: false }))
  const wanted = new Set(ids)
  return [...listed.map((one) => ({ ...one, isReadable: true })), ...unreadable].filter(({ id }) => wanted.has(id))
}

/** Retention never asks for it; this is the last line of defence of another host's data. */
function refuseOthers(url: string, places: Place[], { host, claimsOld }: OwnSnapshots): void {
  const other = places.find((one) => !isOfHost(one, host))
  if (other) throw new BackupError('REPOSITORY_FAILED', `${url}: snapshot ${other.id} belongs to host ${other.host}`)
  const old = places.find((one) => one.host === undefined && one.isReadable)
  if (!old || claimsOld()) return
  throw new BackupError('REPOSITORY_FAILED', `${url}: snapshot ${old.id} names no host, and may belong to another one`)
}
