import { describeOthers, othersHint } from '../job/other-hosts.ts'
import { listHosts } from '../job/repositories.ts'
import type { Session } from './command.ts'

/** Says whose snapshots there are where this host has none: on the machine that takes the place of a lost one, all seem to be gone. */
export async function tellOthers({ parts, signal, note }: Session): Promise<void> {
  const hosts = await listHosts(parts, signal)
  if (hosts.length > 0) note(`warning: the repository ${describeOthers(hosts, parts.host)}\nhint: ${othersHint}\n`)
}
