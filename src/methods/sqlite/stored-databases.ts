import { BackupError } from '../../errors.ts'
import type { FileOwner } from '../../lib/replace-file.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { recordOf } from '../shared/facts.ts'
import { factNames } from './report.ts'

/** A database of a snapshot and the place where it belongs. */
export interface StoredDatabase {
  artifact: string
  /** Path in the container. */
  path: string
  /** The same path for this process. */
  hostPath: string
  bytes: number
  /** Owner and mode of the file when it was captured; absent for one that was imported. */
  owner?: FileOwner
}

/**
 * RESTORE_REFUSED where the snapshot does not say where a database belongs; PATH_UNREACHABLE where no mount leads there any more.
 */
export function databasesOf(ctx: MethodContext, { artifacts, facts }: StoredSnapshot): StoredDatabase[] {
  const paths = recordOf(facts.paths)
  return artifacts.map(({ name, bytes }) => {
    const path = paths[name]
    if (typeof path !== 'string') throw new BackupError('RESTORE_REFUSED', `the snapshot has no path for ${name}`)
    const { uid, gid, mode } = recordOf(facts[factNames(name).owner])
    const owner = { uid: Number(uid), gid: Number(gid), mode: Number(mode) }
    return {
      artifact: name,
      path,
      hostPath: ctx.hostPath(path),
      bytes,
      ...(uid !== undefined && { owner }),
    }
  })
}
