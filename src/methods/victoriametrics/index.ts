import type { Method } from '../method.ts'
import { capture } from './capture.ts'
import { importForeign } from './import.ts'
import { preflight } from './preflight.ts'
import { prove } from './prove.ts'
import { restore, undo } from './restore.ts'

/**
 * VictoriaMetrics (single node, or one vmstorage) by its own snapshots, which are hard links to immutable files of one
 * instant.
 */
export const victoriametrics: Method<'victoriametrics'> = {
  kind: 'victoriametrics',
  needsRunning: true,
  stopsService: true,
  paths: () => [],
  dataPaths: (_spec, _container, { storage }) => (typeof storage === 'string' ? [storage] : []),
  capture,
  import: importForeign,
  preflight,
  restore,
  undo,
  prove,
}
