import { dirname } from 'node:path'
import type { TargetSpec } from '../../labels/spec.ts'
import { freeBytes } from '../../lib/free-space.ts'
import { rootExists } from '../../lib/tree/open-root.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { refuseFull } from '../shared/room.ts'
import { openPlace } from './place.ts'
import { databasesOf } from './stored-databases.ts'

/**
 * NO_SPACE where a database does not fit beside the one that it will replace, and the errors of `databasesOf`. A folder that is gone is
 * made by the restore: its file system is not known yet.
 */
export async function preflight(
  ctx: MethodContext,
  _spec: TargetSpec<'sqlite'>,
  snapshot: StoredSnapshot,
): Promise<void> {
  for (const { path, hostPath, bytes } of databasesOf(ctx, snapshot)) {
    if (!rootExists(dirname(hostPath))) continue
    using place = openPlace(hostPath)
    const free = await freeBytes(place.folder)
    refuseFull({ needed: bytes, free }, () => `${path} needs ${bytes} bytes, its file system has ${free} free`)
  }
}
