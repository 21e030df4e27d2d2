import { type Problem, type Target, targetKey } from '../plan/plan.ts'
import { explainDamage, type KnownDamage, notAmong } from '../repository/known-damage.ts'
import type { ObservedRepository, SnapshotSummary } from './observe.ts'

/** Known damage of a snapshot, as `status --json` and `list --json` print it. */
export interface DamageReport {
  /** ISO 8601 UTC: when it was found last. */
  found: string
  /** Whether every byte was read then. */
  readData: boolean
  files: KnownDamage['files']
}

/** The same with the place of the snapshot. */
export type DamagedSnapshot = DamageReport & Pick<KnownDamage, 'project' | 'target' | 'id'>

export const reportDamage = ({ found, depth, files }: KnownDamage): DamageReport => ({
  found,
  readData: depth === 'bytes',
  files,
})

export const reportDamaged = (known: KnownDamage): DamagedSnapshot => {
  const { project, target, id } = known
  return { project, target, id, ...reportDamage(known) }
}

export interface NewestBackups {
  whole: SnapshotSummary | undefined
  /** Present where a backup that is known to be damaged is newer than every whole one. */
  damaged: KnownDamage | undefined
}

/** Finds the newest of the backups of one target, in whichever tier. One copy that is whole is enough. */
export function newestBackups(
  { project, name }: Target,
  backups: SnapshotSummary[],
  repositories: ObservedRepository[],
): NewestBackups {
  const whole = newest(backups.filter(({ damaged }) => !damaged))
  const listed = newest(backups.filter(({ damaged }) => damaged))
  if (listed && (!whole || listed.time > whole.time)) return { whole, damaged: listed.damaged }
  const answering = repositories.filter(({ error }) => !error)
  const snapshots = answering.flatMap((repository) => repository.snapshots)
  const known = answering.flatMap(({ damaged }) => damaged)
  // The time of a snapshot that cannot be read is not known, and ids sort by time.
  const damaged = notAmong(known, snapshots)
    .filter((each) => each.project === project && each.target === name && each.id > (whole?.id ?? ''))
    .reduce<KnownDamage | undefined>((last, each) => (last && last.id > each.id ? last : each), undefined)
  return { whole, damaged }
}

export const newest = (snapshots: SnapshotSummary[]): SnapshotSummary | undefined =>
  snapshots.reduce<SnapshotSummary | undefined>(
    (last, each) => (last && last.time > each.time ? last : each),
    undefined,
  )

export function damageProblem(target: Target, { id, files }: KnownDamage): Problem {
  const { project, name, container } = target
  return {
    ...{ project, container: container.name, target: name, label: '', value: '' },
    reason: `the newest snapshot ${id} is damaged and counts as no backup: ${explainDamage(files)}`,
    hint: `Make a new one: xnai-backup backup ${targetKey(target)}. Then look at the disk, and at the others: xnai-backup check --read-data.`,
  }
}
