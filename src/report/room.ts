import { BackupError, type ErrorReport, reportError } from '../errors.ts'
import { type Plan, targetKey, targetKeyOf } from '../plan/plan.ts'
import type { ObservedRepository } from './observe.ts'

/** So many more backups of every target have to fit: two nights are time to make room. */
const rounds = 2

/**
 * Tells that a repository is nearly full: less is free than two more backups of every target of the plan need, each as large as its newest
 * backup is stored. A repository that cannot tell what is free, or holds no backup yet, is not judged.
 */
export function reportRoom({ targets }: Plan, { tier, snapshots, freeBytes }: ObservedRepository): ErrorReport[] {
  const backups = snapshots.filter(({ reason }) => reason !== 'safety').toSorted((a, b) => (a.time < b.time ? -1 : 1))
  const newest = new Map(backups.map((backup) => [targetKeyOf(backup), backup.storedBytes]))
  const neededBytes = rounds * targets.reduce((sum, target) => sum + (newest.get(targetKey(target)) ?? 0), 0)
  if (freeBytes === undefined || freeBytes >= neededBytes) return []
  const message = `the ${tier} repository is nearly full: ${freeBytes} bytes are free, and two more backups of all targets need about ${neededBytes}`
  return [reportError(new BackupError('NO_SPACE', message, { hint }))]
}

const hint =
  'Nothing is removed before its time. Make room, move the repository to a larger disk, or keep less: xnai-backup prune --dry-run.'
