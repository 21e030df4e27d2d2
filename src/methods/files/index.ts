import type { Method } from '../method.ts'
import { treesOf } from './trees.ts'

/** Trees as they lie on a volume or bind mount, read while their writers are down, or with a proof that they stood still. */
export const files: Method<'files'> = {
  kind: 'files',
  needsRunning: false,
  paths: (spec, container) =>
    spec.paths ??
    container.mounts.filter(({ writable, kind }) => writable && kind !== 'other').map(({ destination }) => destination),
  replaces: ({ artifacts }) => artifacts.flatMap(({ origin }) => origin ?? []),
  trees: treesOf,
  load: () => import('./work.ts'),
}
