import type { MethodContext } from '../method.ts'
import { refuseFull } from '../shared/room.ts'
import type { Server } from './server.ts'

/** '' where they are not for everybody. */
export const readMetrics = (server: Server): Promise<string> => server.ask('/metrics').catch(() => '')

/** A build that was not told its own says it empty. */
export const versionOf = (metrics: string): string =>
  /^vm_app_version\{.*short_version="([^"]*)"/m.exec(metrics)?.[1] || 'unknown'

/** Before a snapshot the server writes out what it has in memory, and one that cannot (1.112) ends itself. */
export function refuseFullDisk({ container }: MethodContext, metrics: string): void {
  const read = (name: string) =>
    Number(new RegExp(`^vm_free_disk_space_${name}\\{.*\\} (\\S+)$`, 'm').exec(metrics)?.[1])
  const [free, needed] = [read('bytes'), read('limit_bytes')]
  const explain = () =>
    `the disk of ${container.name} has ${free} bytes free, and below ${needed} VictoriaMetrics takes in nothing`
  refuseFull({ needed, free }, explain, 'Free space at its -storageDataPath: a snapshot could end the server now.')
}
