import { refuseRestore } from './refuse.ts'

export interface Version {
  major: number
  /** 0 where the text has none. */
  minor: number
}

/** `v1.140.0`, `11.8.3-MariaDB`, `17` → the first two numbers; undefined for a text that does not begin like a version. */
export function parseVersion(text: string): Version | undefined {
  const [, major, minor = '0'] = /^v?(\d+)(?:\.(\d+))?/.exec(text) ?? []
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) }
}

/** `11.8` */
export const formatSeries = ({ major, minor }: Version): string => `${major}.${minor}`

/** Whether `one` is of an older series than `other`, by major and minor number. */
export const isOlder = (one: Version, other: Version): boolean =>
  one.major < other.major || (one.major === other.major && one.minor < other.minor)

/** RESTORE_REFUSED where the server is of an older series than the one that was dumped. A version that cannot be read is no reason. */
export function refuseOlderServer(product: string, { dumped, server }: { dumped: string; server: string }): void {
  const [from, to] = [parseVersion(dumped), parseVersion(server)]
  if (!from || !to || !isOlder(to, from)) return
  refuseRestore(
    `the dump comes from ${product} ${dumped}, the server is ${product} ${server}`,
    `Use an image of ${product} ${dumped} or newer.`,
  )
}
