import type { Method } from '../method.ts'

/**
 * VictoriaMetrics (single node, or one vmstorage) by its own snapshots, which are hard links to immutable files of one
 * instant.
 */
export const victoriametrics: Method<'victoriametrics'> = {
  kind: 'victoriametrics',
  needsRunning: true,
  stopsService: true,
  paths: () => [],
  replaces: ({ facts: { storage } }) => (typeof storage === 'string' ? [storage] : []),
  dataPaths: (_spec, _container, { storage }) => (typeof storage === 'string' ? [storage] : []),
  load: () => import('./work.ts'),
}
