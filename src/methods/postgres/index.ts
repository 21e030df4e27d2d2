import type { Method } from '../method.ts'

/**
 * PostgreSQL by pg_dump: one dump for each database, with the rows counted in the very instant that is dumped. A restore fills fresh
 * databases beside the present ones, and then swaps all of them in one transaction.
 */
export const postgres: Method<'postgres'> = {
  kind: 'postgres',
  needsRunning: true,
  paths: () => [],
  dataPaths: (_spec, { environment }) => [
    environment.get('PGDATA') ?? '/var/lib/postgresql',
    environment.get('POSTGRES_INITDB_WALDIR') ?? '',
  ],
  startsAnew: ({ options }) => options.databases === undefined,
  load: () => import('./work.ts'),
}
