import type { MethodContext } from '../method.ts'
import { refuseFull } from '../shared/room.ts'
import type { VictoriaMetricsClient } from './client.ts'

/** The metrics of the server itself; '' where it does not show them to everybody. */
export const readMetrics = (client: VictoriaMetricsClient): Promise<string> => client.ask('/metrics').catch(() => '')

/** The version of the server; `unknown` for a build that was not told its version. */
export const versionOf = (metrics: string): string =>
  /^vm_app_version\{.*short_version="([^"]*)"/m.exec(metrics)?.[1] || 'unknown'

/**
 * NO_SPACE where a snapshot is dangerous: before it the server writes out what it has in memory, and one that cannot
 * (1.112) ends itself.
 */
export function refuseFullDisk({ container }: MethodContext, metrics: string): void {
  const read = (name: string) =>
    Number(new RegExp(`^vm_free_disk_space_${name}\\{.*\\} (\\S+)$`, 'm').exec(metrics)?.[1])
  const [free, needed] = [read('bytes'), read('limit_bytes')]
  const explain = () =>
    `the disk of ${container.name} has ${free} bytes free, and below ${needed} VictoriaMetrics takes in nothing`
  refuseFull({ needed, free }, explain, 'Free space at its -storageDataPath: a snapshot could end the server now.')
}
