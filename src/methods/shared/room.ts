import { asBackupError, BackupError } from '../../errors.ts'
import { freeBytes } from '../../lib/free-space.ts'
import type { MethodContext } from '../method.ts'

/** NO_SPACE where fewer bytes are free than needed. `explain` writes the message from the number of free bytes. */
export function refuseFull(
  { needed, free }: { needed: number; free: number },
  explain: (free: number) => string,
  hint?: string,
): void {
  if (needed > free) throw new BackupError('NO_SPACE', explain(free), hint === undefined ? {} : { hint })
}

/** The room that a restore needs in the data directory of a database server. */
export interface DatabaseRoom {
  /** Bytes that the restore writes. */
  needed: number
  /** Bytes of the databases that are removed before. It is asked only where the free space does not suffice. Default: 0. */
  replaced?: () => Promise<number>
  /** The data directory, as a path in the container. */
  directory: string
  /** The server's name in a warning, with its genitive: `MongoDB's`. */
  owner: string
  /** The message of NO_SPACE for so many free bytes. */
  explain?: (free: number) => string
  hint?: string
}

/** NO_SPACE where databases do not fit. Only warns where this process cannot see the file system of the data directory. */
export async function refuseFullServer(ctx: MethodContext, room: DatabaseRoom): Promise<void> {
  const { needed, directory, replaced = async () => 0 } = room
  const free = await freeBytesIn(ctx, directory).catch((error) => {
    ctx.warn(`free space of ${room.owner} data was not checked: ${asBackupError(error).message}`)
    return undefined
  })
  if (free === undefined || needed <= free || needed <= free + (await replaced())) return
  const say = (bytes: number) =>
    `the databases need ${needed} bytes, ${directory} has ${bytes} free beside those of now`
  refuseFull({ needed, free }, room.explain ?? say, room.hint)
}

const freeBytesIn = async (ctx: MethodContext, directory: string): Promise<number> => freeBytes(ctx.hostPath(directory))
