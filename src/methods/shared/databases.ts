import { BackupError } from '../../errors.ts'
import type { MethodContext } from '../method.ts'

/** The databases that `label` names, or all of them where it is absent. TARGET_BROKEN where the server lacks one that it names. */
export function chooseDatabases<Database extends { name: string }>(
  present: Database[],
  wanted: string[] | undefined,
  label: string,
): Database[] {
  const missing = (wanted ?? []).filter((name) => present.every((database) => database.name !== name))
  if (missing.length > 0) {
    throw new BackupError('TARGET_BROKEN', `${label} names ${missing.join(', ')}, which the server does not have`)
  }
  return wanted ? present.filter(({ name }) => wanted.includes(name)) : present
}

/** Warns of databases that a restore leaves as they are: those that the snapshot does not hold, and those that `label` no longer names. */
export function warnOfOthers(
  ctx: MethodContext,
  { present, stored, chosen }: { present: string[]; stored: string[]; chosen: string[] },
  label: string,
): void {
  const others = present.filter((name) => !stored.includes(name))
  if (others.length > 0) ctx.warn(`not in the snapshot and left as they are: ${others.join(', ')}`)
  const unnamed = stored.filter((name) => !chosen.includes(name))
  if (unnamed.length > 0) ctx.warn(`in the snapshot, but not named by ${label}: ${unnamed.join(', ')}`)
}
