import { statfs } from 'node:fs/promises'
import { asBackupError, BackupError } from '../../errors.ts'
import type { MethodContext, RestoreContext } from '../method.ts'

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

/**
 * Lines for `/bin/sh` that end as `call` does. With `drainInput` they take in what it leaves unread when it fails early: Podman loses
 * its words with that. For short inputs.
 */
export const endWith = (call: string, drainInput = false): string =>
  drainInput ? `${call}; code=$?; cat >/dev/null; exit "$code"` : `exec ${call}`

export interface Room {
  /** Bytes of the databases that come. */
  needed: number
  /** Bytes of those that they replace; asked where it matters. */
  replaced: () => Promise<number>
  /** Of the data, in the container. */
  directory: string
  /** For `freeBytes`. */
  whose: string
  /** Default: that of NO_SPACE. */
  hint?: string
}

/** NO_SPACE where databases do not fit in the place of those of now, which are removed before they come. */
export async function refuseFull(
  ctx: MethodContext,
  { needed, replaced, directory, whose, ...hint }: Room,
): Promise<void> {
  const free = await freeBytes(ctx, directory, whose)
  if (free === undefined || free >= needed || free + (await replaced()) >= needed) return
  const message = `the databases need ${needed} bytes, ${directory} has ${free} free beside those of now`
  throw new BackupError('NO_SPACE', message, hint)
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
