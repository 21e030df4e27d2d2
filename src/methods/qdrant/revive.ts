import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path/posix'
import { asBackupError, BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import { syncDirectory } from '../../lib/replace-file.ts'
import type { MethodContext, RestoreContext, UndoDetail } from '../method.ts'
import type { Api } from './api.ts'
import type { Inventory } from './inventory.ts'
import { preflightRestore } from './preflight.ts'
import { isOurUpload } from './replace.ts'
import { openServer, type Server } from './server.ts'

/** A note of a folder that holds collections that were moved out of the server's way. */
export interface AsideNote extends UndoDetail {
  act: 'aside'
  /** Path in the container. */
  folder: string
}

export interface Revived {
  /** To be called once the collections are back: deletes what was moved out of the way. */
  settle(): Promise<void>
}

/**
 * Starts the server if need be, and refuses what it cannot take. One that was killed while it replaced a collection may never start
 * again (1.13.1: `Failed to load local shard`). Then the folders of collections that are replaced anyway are moved out of its way,
 * and back if that does not help.
 */
export async function reviveServer(
  ctx: RestoreContext,
  spec: TargetSpec<'qdrant'>,
  saved: Inventory,
): Promise<Revived> {
  try {
    await startServer(ctx, spec, saved)
    return { settle: async () => {} }
  } catch (error) {
    const isDown = ['SERVICE_DOWN', 'UNHEALTHY', 'TIMEOUT'].includes(asBackupError(error).code)
    if (ctx.signal.aborted || !isDown) throw error
    return startWithout(ctx, spec, saved, error)
  }
}

/** Deletes what a dead run moved out of the way, once the server has each of those collections again. */
export async function removeAside(ctx: MethodContext, api: Api, { folder }: AsideNote): Promise<void> {
  const path = ctx.hostPath(folder)
  const present = await api.collections()
  const lost = (await folders(path)).filter((name) => !present.includes(name))
  if (lost.length === 0) return rm(path, { recursive: true, force: true })
  throw new BackupError('RESTORE_FAILED', `${lost.join(', ')} as before the restore: kept in ${folder}`, {
    hint: `Restore the target once more, or delete ${folder} in ${ctx.container.name} by hand.`,
  })
}

/**
 * The server goes on with the restore that a dead run asked for, shard after shard, and would write into this one. The uploaded
 * file tells of it; nobody else can have a live one, since runs of a target take turns. Only a new start of the server ends it.
 */
export async function endOrphans(ctx: RestoreContext, spec: TargetSpec<'qdrant'>, saved: Inventory): Promise<void> {
  const orphans = await withServer(ctx, spec, ({ api }) => findOrphans(api, saved))
  if (orphans.length === 0) return
  await ctx.service.stop()
  await startServer(ctx, spec, saved)
  await withServer(ctx, spec, async ({ api }) => {
    for (const { collection, file } of orphans) await api.deleteSnapshot(collection, file)
  })
}

async function findOrphans(api: Api, saved: Inventory): Promise<{ collection: string; file: string }[]> {
  const now = await api.collections()
  const names = saved.collections.map(({ name }) => name).filter((name) => now.includes(name))
  const found = await Promise.all(
    names.map(async (collection) => {
      const files = (await api.snapshots(collection)).names.filter(isOurUpload)
      return files.map((file) => ({ collection, file }))
    }),
  )
  return found.flat()
}

async function startServer(ctx: RestoreContext, spec: TargetSpec<'qdrant'>, saved: Inventory): Promise<void> {
  if ((await ctx.service.state()) !== 'running') await ctx.service.start()
  await withServer(ctx, spec, (server) => preflightRestore(server, saved))
}

async function withServer<T>(
  ctx: RestoreContext,
  spec: TargetSpec<'qdrant'>,
  work: (server: Server) => Promise<T>,
): Promise<T> {
  const patience = { justStarted: true, state: ctx.service.state }
  await using server = await openServer(ctx, spec, { failure: 'RESTORE_FAILED', ...patience })
  return await work(server)
}

async function startWithout(
  ctx: RestoreContext,
  spec: TargetSpec<'qdrant'>,
  saved: Inventory,
  error: unknown,
): Promise<Revived> {
  await ctx.service.stop()
  const storage = storageOf(ctx)
  const collections = ctx.hostPath(join(storage, 'collections'))
  const own = new Set(saved.collections.map(({ name }) => name))
  const replaced = (await folders(collections)).filter((name) => saved.complete || own.has(name))
  if (replaced.length === 0) throw notStarting(ctx, error)

  const folder = join(storage, `xnai-aside-${randomBytes(8).toString('hex')}`)
  const note = ctx.recordUndo({ act: 'aside', folder } satisfies AsideNote)
  const aside = ctx.hostPath(folder)
  const settle = async () => {
    await rm(aside, { recursive: true, force: true })
    note[Symbol.dispose]()
  }
  try {
    await moveFolders(replaced, collections, aside)
    await startServer(ctx, spec, saved)
    ctx.warn(`Qdrant did not start with ${replaced.join(', ')} as they were: started without`)
    return { settle }
  } catch (again) {
    await ctx.service.stop()
    await moveFolders(await folders(aside), aside, collections)
    await settle()
    throw asBackupError(again).code === 'RESTORE_REFUSED' ? again : notStarting(ctx, error)
  }
}

/** As the server's own variable names it, else where the official image has it. */
function storageOf({ container }: MethodContext): string {
  return resolve('/qdrant', container.environment.get('QDRANT__STORAGE__STORAGE_PATH') || 'storage')
}

async function folders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

async function moveFolders(names: string[], from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 })
  for (const name of names) await rename(join(from, name), join(to, name))
  await syncDirectory(from)
  await syncDirectory(to)
}

function notStarting({ container }: MethodContext, cause: unknown): BackupError {
  const way = 'If its storage is damaged, empty that volume, start it, and restore with --no-safety.'
  const hint = `See podman logs ${container.name}. ${way}`
  const message = `Qdrant in ${container.name} does not start: ${asBackupError(cause).message}`
  return new BackupError('SERVICE_DOWN', message, { hint, cause })
}
