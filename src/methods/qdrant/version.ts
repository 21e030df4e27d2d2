/**
 * Why a server cannot take a snapshot of another one; undefined where it can. Qdrant reads snapshots of the same minor version and
 * of the one before: https://qdrant.tech/documentation/concepts/snapshots/#restore-snapshot
 */
export function refuseVersion(snapshot: string, server: string): { reason: string; hint: string } | undefined {
  const [from, to] = [parseVersion(snapshot), parseVersion(server)]
  const isNext = from.major === to.major && to.minor - from.minor === 1
  if (sameMinor(snapshot, server) || isNext) return undefined
  const way = `Start Qdrant ${from.major}.${from.minor} or ${from.major}.${from.minor + 1} on empty storage, restore there`
  const up = to.major > from.major || to.minor > from.minor
  return {
    reason: `a snapshot of Qdrant ${snapshot} cannot be restored by ${server}`,
    hint: up
      ? `Nothing was touched. ${way}, then upgrade it one minor version at a time.`
      : `Nothing was touched. ${way}.`,
  }
}

export function sameMinor(a: string, b: string): boolean {
  const [one, other] = [parseVersion(a), parseVersion(b)]
  return one.major === other.major && one.minor === other.minor
}

function parseVersion(text: string): { major: number; minor: number } {
  const [, major, minor] = /^v?(\d+)\.(\d+)\./.exec(text) ?? []
  return { major: Number(major), minor: Number(minor) }
}
