import type { Snapshot } from '../repository/repository.ts'

/** The hosts that stored the snapshots, each once. */
export const hostsOf = (snapshots: Snapshot[]): string[] =>
  [...new Set(snapshots.flatMap(({ host }) => host ?? []))].toSorted()

/** The host that somebody names, where it is another one than this. */
export const otherHost = (own: string, named: string | undefined): string | undefined =>
  named === own ? undefined : named

/** Says that a place holds snapshots of these hosts alone. */
export const describeOthers = (hosts: string[], own: string): string =>
  `holds snapshots of ${hosts.join(', ')} and none of this host, ${own}`

/** This is what to do where that is not meant: a new machine has another name than the lost one. */
export const othersHint =
  'Where this machine is one of them, or takes its place, set host (XNAI_BACKUP_HOST) to that name. A new host needs its first backup.'
