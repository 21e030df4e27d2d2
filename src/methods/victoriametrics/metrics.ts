import { BackupError } from '../../errors.ts'
import type { MethodContext } from '../method.ts'
import type { Server } from './server.ts'

/** '' where they are not for everybody. */
export const readMetrics = (server: Server): Promise<string> => server.ask('/metrics').catch(() => '')

/** A build that was not told its own says it empty. */
export const versionOf = (metrics: string): string =>
  /^vm_app_version\{.*short_version="([^"]*)"/m.exec(metrics)?.[1] || 'unknown'

/** Before a snapshot the server writes out what it has in memory, and one that cannot (1.112) ends itself. */
export function refuseFull({ container }: MethodContext, metrics: string): void {
  const read = (name: string) =>
    Number(new RegExp(`^vm_free_disk_space_${name}\\{.*\\} (\\S+)$`, 'm').exec(metrics)?.[1])
  const [free, least] = [read('bytes'), read('limit_bytes')]
  if (!(free < least)) return
  const message = `the disk of ${container.name} has ${free} bytes free, and below ${least} VictoriaMetrics takes in nothing`
  throw new BackupError('NO_SPACE', message, {
    hint: 'Free space at its -storageDataPath: a snapshot could end the server now.',
  })
}
