import type { Method } from '../method.ts'

/**
 * MariaDB and MySQL by their own dump program: all databases in one dump and so in one instant, with the rows counted in the bytes of the
 * dump, and the accounts beside it.
 *
 * A restore loads the databases on trial into a second server, then removes them and loads them anew under their names. Neither product
 * can do that all or nothing: a database cannot be renamed, a renamed table leaves its triggers, and views, routines and foreign keys
 * name databases. An incomplete restore is replaced by the next one, which may be the safety snapshot by which the job rolls back, and
 * what was not there before is dropped.
 */
export const mariadb: Method<'mariadb'> = {
  kind: 'mariadb',
  needsRunning: true,
  paths: () => [],
  dataPaths: () => ['/var/lib/mysql'],
  // A backup by a user who may not read the accounts does not hold them.
  startsAnew: ({ options }, { accounts }) => options.databases === undefined && Number(accounts) > 0,
  load: () => import('./work.ts'),
}
