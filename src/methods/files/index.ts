import type { Method } from '../method.ts'
import { capture } from './capture.ts'
import { importForeign } from './import.ts'
import { restore } from './restore.ts'
import { treesOf } from './trees.ts'

/** Trees as they lie on a volume or bind mount, read while their writers are down, or with a proof that they stood still. */
export const files: Method<'files'> = {
  kind: 'files',
  needsRunning: false,
  paths: (spec, container) =>
    spec.paths ??
    container.mounts.filter(({ writable, kind }) => writable && kind !== 'other').map(({ destination }) => destination),
  trees: treesOf,
  capture,
  import: importForeign,
  restore,
  // The trees were proven before the service ran again: after that they may rightly change.
  prove: async () => [],
}
