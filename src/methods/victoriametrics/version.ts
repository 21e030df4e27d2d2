/**
 * Releases, as major and minor number, from which on data is written that earlier ones cannot read: blocks that share timestamps,
 * names of parts, an index in each partition (https://docs.victoriametrics.com/changelog/). Later releases read what earlier ones wrote.
 */
const newFormats: [major: number, minor: number][] = [
  [1, 41],
  [1, 90],
  [1, 133],
]

/** Why a server cannot read a snapshot of another one; undefined where it can, and where one of the two does not tell its version. */
export function refuseVersion(snapshot: string, server: string): { reason: string; hint: string } | undefined {
  const [from, to] = [parseVersion(snapshot), parseVersion(server)]
  if (!from || !to) return undefined
  const format = newFormats.findLast(([major, minor]) => isAtLeast(from, major, minor))
  if (!format || isAtLeast(to, ...format)) return undefined
  return {
    reason: `a snapshot of VictoriaMetrics ${snapshot} cannot be read by ${server}: its format began with ${format.join('.')}`,
    hint: `Nothing was touched. Use an image of VictoriaMetrics ${format.join('.')} or newer.`,
  }
}

type Version = { major: number; minor: number }

const isAtLeast = (version: Version, major: number, minor: number): boolean =>
  version.major > major || (version.major === major && version.minor >= minor)

function parseVersion(text: string): Version | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)\b/.exec(text) ?? []
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) }
}
