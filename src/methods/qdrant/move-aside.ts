import { randomBytes } from 'node:crypto'
import { fchmodSync, fsyncSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path/posix'
import { asBackupError, BackupError } from '../../errors.ts'
import { logOf } from '../../hints.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import { removeTree } from '../../lib/tree/in-child.ts'
import { createRoot, openRoot, rootExists } from '../../lib/tree/open-root.ts'
import type { MethodContext, RestoreContext, UndoDetail } from '../method.ts'
import type { Api } from './api.ts'
import type { Inventory } from './inventory.ts'
import { startServer } from './start.ts'
import { storageOf } from './storage.ts'

/** The detail of a folder with collections that were moved out of the server's way. */
export interface AsideDetail extends UndoDetail {
  act: 'aside'
  /** The path of the folder in the container. */
  folder: string
}

/** A server that was started for a restore. */
export interface Started {
  /** Deletes what was moved out of the way. It MUST be called only once the collections are restored. */
  settle(): Promise<void>
}

/**
 * Starts the server if it does not run, and refuses one that cannot take the snapshot. A server that was killed while
 * it replaced a collection may never start again (1.13.1: `Failed to load local shard`). Then the folders of the
 * collections that will be replaced anyway are moved out of its way, and moved back if it does not start without them
 * either.
 */
export async function startDespiteDamage(
  ctx: RestoreContext,
  spec: TargetSpec<'qdrant'>,
  saved: Inventory,
): Promise<Started> {
  try {
    await startServer(ctx, spec, saved)
    return { settle: async () => {} }
  } catch (error) {
    const isDown = ['SERVICE_DOWN', 'UNHEALTHY', 'TIMEOUT'].includes(asBackupError(error).code)
    if (ctx.signal.aborted || !isDown) throw error
    return startWithout(ctx, spec, saved, error)
  }
}

/**
 * Deletes what a dead run moved out of the way. RESTORE_FAILED while the server does not have each of those
 * collections again.
 */
export async function removeAside(ctx: MethodContext, api: Api, { folder }: AsideDetail): Promise<void> {
  const path = ctx.hostPath(folder)
  const present = await api.collections()
  const lost = folders(path).filter((name) => !present.includes(name))
  if (lost.length === 0) return removeTree(path, ctx.signal)
  throw new BackupError('RESTORE_FAILED', `${lost.join(', ')} as before the restore: kept in ${folder}`, {
    hint: `Restore the target once more, or delete ${folder} in ${ctx.container.name} by hand.`,
  })
}

async function startWithout(
  ctx: RestoreContext,
  spec: TargetSpec<'qdrant'>,
  saved: Inventory,
  error: unknown,
): Promise<Started> {
  await ctx.service.stop()
  const storage = storageOf(ctx.container)
  const collections = ctx.hostPath(join(storage, 'collections'))
  const own = new Set(saved.collections.map(({ name }) => name))
  const replaced = folders(collections).filter((name) => saved.complete || own.has(name))
  if (replaced.length === 0) throw notStarting(ctx, error)

  const folder = join(storage, `xnai-aside-${randomBytes(8).toString('hex')}`)
  const recorded = ctx.recordUndo({ act: 'aside', folder } satisfies AsideDetail)
  const aside = ctx.hostPath(folder)
  const settle = async () => {
    await removeTree(aside, new AbortController().signal)
    recorded[Symbol.dispose]()
  }
  try {
    moveFolders(replaced, collections, aside)
    await startServer(ctx, spec, saved)
    ctx.warn(`Qdrant did not start with ${replaced.join(', ')} as they were: started without`)
    return { settle }
  } catch (again) {
    await ctx.service.stop()
    moveFolders(folders(aside), aside, collections)
    await settle()
    throw asBackupError(again).code === 'RESTORE_REFUSED' ? again : notStarting(ctx, error)
  }
}

/** The names of the folders in a folder; none where that is missing. */
function folders(path: string): string[] {
  if (!rootExists(path)) return []
  using folder = openRoot(path)
  const entries = readdirSync(folder.folder('.'), { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

/** Both folders are held open meanwhile: a link that takes the place of one of them is not followed. */
function moveFolders(names: string[], from: string, to: string): void {
  const isNew = !rootExists(to)
  if (isNew) createRoot(to, 'directory')
  using source = openRoot(from)
  using target = openRoot(to)
  if (isNew) fchmodSync(target.descriptor, 0o700)
  for (const name of names) renameSync(source.at(name), target.at(name))
  for (const { descriptor } of [source, target]) fsyncSync(descriptor)
}

function notStarting({ container }: MethodContext, cause: unknown): BackupError {
  const way = 'If its storage is damaged, empty that volume, start it, and restore with --no-safety.'
  const hint = `See ${logOf(container)}. ${way}`
  const message = `Qdrant in ${container.name} does not start: ${asBackupError(cause).message}`
  return new BackupError('SERVICE_DOWN', message, { hint, cause })
}
