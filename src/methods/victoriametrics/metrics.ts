import type { MethodContext } from '../method.ts'
import { pollAtMost } from '../shared/await-server.ts'
import { refuseFull } from '../shared/room.ts'
import type { VictoriaMetricsClient } from './client.ts'

/** The metrics of the server itself; '' where it does not show them to everybody. */
export const readMetrics = (client: Pick<VictoriaMetricsClient, 'ask'>): Promise<string> =>
  client.ask('/metrics').catch(() => '')

/** The version of the server; `unknown` for a build that was not told its version. */
export const versionOf = (metrics: string): string =>
  /^vm_app_version\{.*short_version="([^"]*)"/m.exec(metrics)?.[1] || 'unknown'

/** Longer than the server keeps a figure of free space before it measures again: 2 s by a clock that ticks once a second. */
const staleSeconds = 4

/**
 * NO_SPACE where a snapshot is dangerous: before it the server writes out what it has in memory, and one that cannot
 * (1.112) ends itself. The server keeps its figure of free space for two seconds (lib/fs/fs.go, MustGetFreeSpace), so
 * that the room is asked for until a figure that says "full" cannot be the old one.
 */
export async function refuseFullDisk(
  { container, clock, signal }: Pick<MethodContext, 'clock' | 'signal'> & { container: { name: string } },
  client: Pick<VictoriaMetricsClient, 'ask'>,
): Promise<void> {
  let room = { needed: 0, free: 0 }
  const hasRoom = async () => {
    room = roomOf(await readMetrics(client))
    return !(room.needed > room.free)
  }
  await pollAtMost(hasRoom, {
    what: `room on the disk of ${container.name}`,
    seconds: staleSeconds,
    everyMs: 250,
    clock,
    signal,
  })
  const explain = () =>
    `the disk of ${container.name} has ${room.free} bytes free, and below ${room.needed} VictoriaMetrics takes in nothing`
  refuseFull(room, explain, 'Free space at its -storageDataPath: a snapshot could end the server now.')
}

/** Free bytes at -storageDataPath, and how many the server needs to take data in; NaN where it does not tell. */
function roomOf(metrics: string): { needed: number; free: number } {
  const read = (name: string) =>
    Number(new RegExp(`^vm_free_disk_space_${name}\\{.*\\} (\\S+)$`, 'm').exec(metrics)?.[1])
  return { needed: read('limit_bytes'), free: read('bytes') }
}
