import type { Method } from '../method.ts'
import { capture } from './capture.ts'
import { importForeign } from './import.ts'
import { preflight } from './preflight.ts'
import { prove } from './prove.ts'
import { restore } from './restore.ts'

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
  capture,
  import: importForeign,
  preflight,
  restore,
  prove,
}
