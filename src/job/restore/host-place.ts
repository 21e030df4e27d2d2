import { lstat } from 'node:fs/promises'
import { posix } from 'node:path'
import type { Mount } from '../../engine/engine.ts'
import { followLinks } from '../../engine/follow-links.ts'
import { leadingMount, locate } from '../../engine/host-paths.ts'
import { BackupError } from '../../errors.ts'
import type { Parts } from '../job.ts'

/** A path that the user named, behind its symbolic links. */
export interface HostPlace {
  /** Path on the host. */
  hostPath: string
  /** The same place for this process. */
  path: string
}

type Host = Pick<Parts, 'ownPath' | 'ownMounts'>
type Option = '--to' | '--from' | '--evidence'

/**
 * Finds the place of the host that an option names. What it names may be missing. In the controller's container it MUST be a whole path
 * that a mount leads to, and for `--to` and `--evidence` one that can be written through it: what lies in the container alone is lost
 * with it. Throws USAGE for a path that can only be one of the container, PATH_UNREACHABLE for one of the host that the container does
 * not see.
 */
export async function findHostPlace(host: Host, option: Option, given: string): Promise<HostPlace> {
  const wanted = wholePath(host, option, given)
  await refuseContainerPath(host, option, wanted)
  const followed = await followLinks(wanted, host.ownPath)
  if (!followed) throw new BackupError('USAGE', `${option} ${given}: its symbolic links lead in a circle`, { hint })
  const path = host.ownPath(followed.path)
  if (path === undefined) throw unseen(option, followed.path)
  if (option !== '--from') refuseReadOnly(host, option, followed.path)
  return { hostPath: followed.path, path }
}

const hint = 'Nothing was touched. Name another path of the host.'

function wholePath({ ownMounts }: Host, option: Option, given: string): string {
  if (given === '') throw new BackupError('USAGE', `${option} names no path`, { hint })
  if (!ownMounts || posix.isAbsolute(given)) return posix.resolve(given)
  throw new BackupError('USAGE', `${option} ${given} is relative, and the controller does not know your directory`, {
    hint: `Nothing was touched. Give the whole path on the host: ${option} "$PWD/${given}".`,
  })
}

/** A path below a mount point that the host does not have is one of the container, such as /backups/look. */
async function refuseContainerPath({ ownMounts = [], ownPath }: Host, option: Option, wanted: string): Promise<void> {
  const place = locate({ mounts: ownMounts.filter(isBelowRoot) }, wanted)
  if (!place || (await exists(ownPath(place.mount.destination)))) return
  throw new BackupError('USAGE', `${option} takes a path of the host, and the host has no ${place.mount.destination}`, {
    hint: `Nothing was touched. What the controller's container has there is on the host: ${option} ${place.hostPath}`,
  })
}

const isBelowRoot = ({ destination }: Mount): boolean => destination !== '/'

const exists = async (path: string | undefined): Promise<boolean> =>
  path !== undefined && (await lstat(path).catch(() => undefined)) !== undefined

const unseen = (option: Option, path: string): BackupError =>
  new BackupError('PATH_UNREACHABLE', `${option}: the controller's container has no mount that leads to ${path}`, {
    hint: 'Nothing was touched. Name a folder of the host that is mounted into it, or mount the host (the shipped compose file mounts / at /host).',
  })

function refuseReadOnly({ ownMounts }: Host, option: Option, path: string): void {
  const mount = ownMounts && leadingMount(ownMounts, path)?.mount
  if (!mount || mount.writable) return
  throw new BackupError('PATH_UNREACHABLE', `${option}: ${mount.source} is mounted read-only into the controller`, {
    hint,
  })
}
