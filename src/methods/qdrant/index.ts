import type { Method } from '../method.ts'
import { capture } from './capture.ts'
import { storageOf } from './move-aside.ts'
import { preflight } from './preflight.ts'
import { prove } from './prove.ts'
import { restore, undo } from './restore.ts'

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
  capture,
  preflight,
  restore,
  undo,
  prove,
}
