import type { Method } from '../method.ts'
import { sideFiles } from './side-files.ts'
import { storedPaths } from './stored-paths.ts'

/**
 * SQLite databases by SQLite's online backup, while the application writes to them. The copy of each database is of one instant, includes
 * what is only in its write-ahead log, and is checked before it counts as captured.
 */
export const sqlite: Method<'sqlite'> = {
  kind: 'sqlite',
  needsRunning: false,
  stopsService: true,
  paths: (spec) => spec.paths ?? [],
  replaces: ({ facts }) => storedPaths(facts),
  dataPaths: (_spec, _container, facts) =>
    storedPaths(facts).flatMap((path) => ['', ...sideFiles].map((suffix) => path + suffix)),
  load: () => import('./work.ts'),
}
