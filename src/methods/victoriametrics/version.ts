import { formatSeries, isOlder, parseVersion, type Version } from '../shared/version.ts'

/**
 * Releases, as major and minor number, from which on data is written that earlier ones cannot read: blocks that share
 * timestamps, names of parts, an index in each partition (https://docs.victoriametrics.com/changelog/). Later releases
 * read what earlier ones wrote.
 */
const newFormats: Version[] = [
  { major: 1, minor: 41 },
  { major: 1, minor: 90 },
  { major: 1, minor: 133 },
]

/**
 * Says why a server cannot read a snapshot of another one. Undefined where it can, and where one of the two does not
 * tell its version.
 */
export function refuseVersion(snapshot: string, server: string): { reason: string; hint: string } | undefined {
  const [from, to] = [parseVersion(snapshot), parseVersion(server)]
  if (!from || !to) return undefined
  const format = newFormats.findLast((version) => !isOlder(from, version))
  if (!format || !isOlder(to, format)) return undefined
  return {
    reason: `a snapshot of VictoriaMetrics ${snapshot} cannot be read by ${server}: its format began with ${formatSeries(format)}`,
    hint: `Nothing was touched. Use an image of VictoriaMetrics ${formatSeries(format)} or newer.`,
  }
}
