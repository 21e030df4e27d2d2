import type { Method } from '../method.ts'

/**
 * Redis and Valkey by an RDB file that the server saves when it is asked to, and that its own checker reads. An RDB holds the whole data
 * set of an append-only instance too.
 */
export const redis: Method<'redis'> = {
  kind: 'redis',
  needsRunning: true,
  stopsService: true,
  paths: () => [],
  dataPaths: (_spec, _container, { dir }) => [...(typeof dir === 'string' ? [dir] : []), '/data'],
  load: () => import('./work.ts'),
}
