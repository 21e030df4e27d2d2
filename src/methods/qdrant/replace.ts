import { randomBytes } from 'node:crypto'
import { asBackupError, BackupError } from '../../errors.ts'
import type { Check, MethodContext, StoredSnapshot, UndoDetail } from '../method.ts'
import type { AliasAction, Api } from './api.ts'
import { compareCollection, compareConfig, missingIndexes } from './compare.ts'
import type { Inventory, SavedCollection } from './inventory.ts'
import type { Server } from './server.ts'

const prefix = 'xnai-restore-'

/** A note of an uploaded file, and of the collection where that is a temporary one. */
export interface UploadNote extends UndoDetail {
  act: 'upload'
  collection: string
  file: string
  /** `yes`: the collection goes with the file. */
  temporary: 'yes' | 'no'
  /** ISO 8601. */
  at: string
}

export interface Restore {
  ctx: MethodContext
  server: Server
  saved: Inventory
  snapshot: StoredSnapshot
}

/** A temporary collection is never part of a backup, nor of what a restore leaves. */
export const isTemporary = (name: string): boolean => new RegExp(`^${prefix}[0-9a-f]{16}$`).test(name)
export const isOurUpload = (file: string): boolean => new RegExp(`^${prefix}[0-9a-f]{16}\\.snapshot$`).test(file)

/** Puts a collection under a name that nobody uses, and proves it there: nothing that is in use has been touched if this fails. */
export async function rehearse(restore: Restore, saved: SavedCollection): Promise<void> {
  const name = newName()
  await using _file = await upload(restore, saved, name, 'yes')
  const { api, version } = restore.server
  await restoreIndexes(api, name, saved)
  const checks = await compareCollection(api, name, saved, { saved: restore.saved.server, server: version })
  const failed = checks.filter(({ ok }) => !ok)
  if (failed.length === 0) return
  const said = failed.map(({ name: what, expected, actual }: Check) => `${what}: expected ${expected}, found ${actual}`)
  throw new BackupError('PROOF_FAILED', `in a trial restore, ${said.join('; ')}`)
}

/**
 * Puts a collection in the place of what has its name, whatever is there: nothing, a half-restored one, another one. Settings of an
 * existing collection would stay, and other vector parameters are refused, so that only one with the same settings is written over.
 * A second upload, not `recover` of the first one's file: newer servers take only paths that they alone know.
 */
export async function replace(restore: Restore, saved: SavedCollection): Promise<void> {
  const { api } = restore.server
  const isAlias = (await api.aliases()).some(({ alias_name }) => alias_name === saved.name)
  if (isAlias) await api.changeAliases([{ delete_alias: { alias_name: saved.name } }])
  const exists = (await api.collections()).includes(saved.name)
  if (exists && !(await hasSettings(api, saved))) await api.deleteCollection(saved.name)
  await using _file = await upload(restore, saved, saved.name, 'no')
  await restoreIndexes(api, saved.name, saved)
}

/** Collections that are not in a snapshot of all, and aliases as they were. */
export async function replaceNames({ ctx, server: { api }, saved }: Restore): Promise<void> {
  const own = new Set(saved.collections.map(({ name }) => name))
  const strays = saved.complete ? (await api.collections()).filter((name) => !own.has(name)) : []
  for (const name of strays) {
    ctx.signal.throwIfAborted()
    await api.deleteCollection(name)
  }
  const wanted = new Set(saved.aliases.map(({ alias_name }) => alias_name))
  const goes = (alias: { alias_name: string; collection_name: string }) =>
    saved.complete || wanted.has(alias.alias_name) || own.has(alias.collection_name)
  const actions: AliasAction[] = [
    ...(await api.aliases()).filter(goes).map(({ alias_name }) => ({ delete_alias: { alias_name } })),
    ...saved.aliases.map((create_alias) => ({ create_alias })),
  ]
  if (actions.length > 0) await api.changeAliases(actions)
}

/** Deletes an uploaded file. The server lists it only while the collection exists, so that one may have to be made for it. */
export async function removeUpload(api: Api, { collection, file, temporary }: UploadNote): Promise<void> {
  const isMade = !(await api.collections()).includes(collection) && (await api.createEmpty(collection))
  try {
    if ((await api.snapshots(collection)).names.includes(file)) await api.deleteSnapshot(collection, file)
  } finally {
    if (isMade || temporary === 'yes') await api.deleteCollection(collection)
  }
}

const newName = () => prefix + randomBytes(8).toString('hex')

/** Disposing removes what it left on the server, also after a failure. */
async function upload(
  { ctx, server, snapshot }: Restore,
  { artifact }: SavedCollection,
  collection: string,
  temporary: 'yes' | 'no',
): Promise<AsyncDisposable> {
  const { bytes, sha256 } = snapshot.artifacts.find(({ name }) => name === artifact) ?? {}
  if (bytes === undefined || sha256 === undefined)
    throw new BackupError('SNAPSHOT_DAMAGED', `snapshot ${snapshot.id} has no ${artifact}`)
  const file = `${newName()}.snapshot`
  const detail: UploadNote = { act: 'upload', collection, file, temporary, at: ctx.clock.now().toISOString() }
  const note = ctx.recordUndo(detail)
  const remove = async () => {
    try {
      await removeUpload(server.api.detached(), detail)
      note[Symbol.dispose]()
    } catch (error) {
      ctx.warn(`${file} of ${collection} stays on the server for now: ${asBackupError(error).message}`)
    }
  }
  try {
    await server.api.upload(collection, { name: file, bytes, sha256, open: () => snapshot.open(artifact) })
    return { [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function hasSettings(api: Api, saved: SavedCollection): Promise<boolean> {
  const info = await api.info(saved.name).catch((error) => {
    // A collection that cannot even be described is worth nothing.
    if (asBackupError(error).code === 'RESTORE_FAILED') return undefined
    throw error
  })
  return info !== undefined && compareConfig(saved, info, true).ok
}

/** A server may lose an index that a snapshot of another version holds. */
async function restoreIndexes(api: Api, name: string, saved: SavedCollection): Promise<void> {
  for (const [field, index] of missingIndexes(saved, await api.info(name))) await api.createIndex(name, field, index)
}
