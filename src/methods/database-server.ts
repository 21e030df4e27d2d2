import { statfs } from 'node:fs/promises'
import { asBackupError, BackupError } from '../errors.ts'
import type { MethodContext, RestoreContext } from './method.ts'

/** Things that the methods of database servers do alike. */

/** A logical restore needs the server: connected to as it is, or started and waited for. */
export async function bringUp<Options, Client>(
  ctx: RestoreContext,
  { options, startTimeoutSeconds }: { options: Options; startTimeoutSeconds: number },
  connect: (ctx: MethodContext, options: Options) => Promise<Client>,
  awaitReady: (ctx: MethodContext, options: Options, seconds: number) => Promise<Client>,
): Promise<Client> {
  if ((await ctx.service.state()) === 'running') return connect(ctx, options)
  await ctx.service.start()
  return awaitReady(ctx, options, startTimeoutSeconds)
}

/** Those that `label` names, all without it. TARGET_BROKEN where the server lacks one. */
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

/** Databases that stay as they are: those that no snapshot holds, since this is no tree, and those that the label no longer names. */
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

/** Undefined, with a warning that names the data by `whose`, where this process cannot see the directory. */
export async function freeBytes(ctx: MethodContext, directory: string, whose: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(ctx.hostPath(directory))
    return bavail * bsize
  } catch (error) {
    ctx.warn(`free space of ${whose} data was not checked: ${asBackupError(error).message}`)
    return undefined
  }
}
