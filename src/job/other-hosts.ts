/** Says that a place holds snapshots of these hosts alone. */
export const describeOthers = (hosts: string[], own: string): string =>
  `holds snapshots of ${hosts.join(', ')} and none of this host, ${own}`

/** What to do where that is not meant: a new machine has another name than the lost one. */
export const othersHint =
  'Where this machine is one of them, or takes its place, set host (XNAI_BACKUP_HOST) to that name. A new host needs its first backup.'
