import type { Method } from '../method.ts'
import { storageOf } from './storage.ts'

/**
 * Qdrant by its own snapshots, one for each collection, and by the aliases, which are in no snapshot. A snapshot that
 * is made while clients write is not of one instant: each shard has its own.
 */
export const qdrant: Method<'qdrant'> = {
  kind: 'qdrant',
  needsRunning: true,
  stopsService: true,
  paths: () => [],
  dataPaths: (_spec, container) => [storageOf(container)],
  startsAnew: ({ options }) => options.collections === undefined,
  load: () => import('./work.ts'),
}
