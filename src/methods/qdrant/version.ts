import { isOlder, parseVersion } from '../shared/version.ts'

/**
 * Says why a server cannot take a snapshot of another one. Undefined where it can. Qdrant reads snapshots of the same
 * minor version and of the one before: https://qdrant.tech/documentation/concepts/snapshots/#restore-snapshot
 */
export function refuseVersion(snapshot: string, server: string): { reason: string; hint: string } | undefined {
  const reason = `a snapshot of Qdrant ${snapshot} cannot be restored by ${server}`
  const [from, to] = [parseVersion(snapshot), parseVersion(server)]
  if (!from || !to) return { reason, hint: 'Nothing was touched. One of the two versions cannot be read.' }
  const isNext = from.major === to.major && to.minor - from.minor === 1
  if (sameMinor(snapshot, server) || isNext) return undefined
  const way = `Start Qdrant ${from.major}.${from.minor} or ${from.major}.${from.minor + 1} on empty storage, restore there`
  const upgrade = isOlder(from, to) ? ', then upgrade it one minor version at a time' : ''
  return { reason, hint: `Nothing was touched. ${way}${upgrade}.` }
}

/**
 * Says why no snapshot of a server is worth keeping. Undefined where it is. Snapshots that 1.16.0 and 1.16.1 make are whole by every
 * check and yet cannot be restored: https://github.com/qdrant/qdrant/issues/7622
 */
export function refuseMaker(server: string): { reason: string; hint: string } | undefined {
  if (!/^v?1\.16\.[01](?!\d)/.test(server)) return undefined
  return {
    reason: `Qdrant ${server} makes snapshots that no server can restore (https://github.com/qdrant/qdrant/issues/7622)`,
    hint: 'Nothing was kept. Use Qdrant 1.16.2 or newer: it reads the storage of this one as it is.',
  }
}

/** Whether two versions that can both be read have the same major and minor number. */
export function sameMinor(a: string, b: string): boolean {
  const [one, other] = [parseVersion(a), parseVersion(b)]
  return one !== undefined && one.major === other?.major && one.minor === other.minor
}
