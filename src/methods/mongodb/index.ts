import type { Method } from '../method.ts'

/**
 * MongoDB by mongodump and mongorestore: all databases in one archive, whose documents are counted while it goes by. On a member of a
 * replica set the archive holds one instant, the end of the dump. A restore replaces every collection and drops those that the snapshot
 * does not hold. Accounts and settings of the server stay as they are.
 */
export const mongodb: Method<'mongodb'> = {
  kind: 'mongodb',
  needsRunning: true,
  paths: () => [],
  dataPaths: () => ['/data/db'],
  load: () => import('./work.ts'),
}
