import { asBackupError, BackupError } from '../../errors.ts'
import type { Check, RestoreContext, StoredSnapshot } from '../method.ts'
import type { Alias, AliasAction, Api } from './api.ts'
import type { QdrantClient } from './client.ts'
import { compareCollection, compareConfig, missingIndexes } from './compare.ts'
import { foreignAliases } from './foreign-aliases.ts'
import type { Inventory, SavedCollection } from './inventory.ts'
import { newName, upload } from './upload.ts'

/** What the steps of a restore work with. */
export interface CollectionRestore {
  ctx: RestoreContext
  client: QdrantClient
  saved: Inventory
  snapshot: StoredSnapshot
}

/**
 * Restores a collection under a temporary name and proves it there. PROOF_FAILED; nothing that is in use has been
 * touched then.
 */
export async function rehearse(restore: CollectionRestore, saved: SavedCollection): Promise<void> {
  const name = newName()
  await using _file = await uploadTo(restore, saved, { collection: name, temporary: 'yes' })
  const { api, version } = restore.client
  await restoreIndexes(api, name, saved)
  const checks = await compareCollection(api, name, saved, { saved: restore.saved.server, server: version })
  const failed = checks.filter(({ ok }) => !ok)
  if (failed.length === 0) return
  const said = failed.map(({ name: what, expected, actual }: Check) => `${what}: expected ${expected}, found ${actual}`)
  throw new BackupError('PROOF_FAILED', `in a trial restore, ${said.join('; ')}`)
}

/**
 * Replaces whatever has the name of the collection. The server keeps the settings of an existing collection, and
 * refuses other vector parameters: a collection with other settings is therefore deleted first. The artifact is
 * uploaded a second time and not restored from the file of the first upload by `recover`, since newer servers accept
 * only paths that they alone know.
 */
export async function replaceCollection(restore: CollectionRestore, saved: SavedCollection): Promise<void> {
  const { api } = restore.client
  const isAlias = (await api.aliases()).some(({ alias_name }) => alias_name === saved.name)
  if (isAlias) await api.changeAliases([{ delete_alias: { alias_name: saved.name } }])
  const exists = (await api.collections()).includes(saved.name)
  if (exists && !(await hasSettings(api, saved))) await api.deleteCollection(saved.name)
  await using _file = await uploadTo(restore, saved, { collection: saved.name, temporary: 'no' })
  await restoreIndexes(api, saved.name, saved)
}

/**
 * Sets the aliases as they were. After a snapshot of all collections it also deletes those that are not in the
 * snapshot.
 */
export async function replaceNames(restore: CollectionRestore): Promise<void> {
  const { ctx, saved } = restore
  const { api } = restore.client
  const own = new Set(saved.collections.map(({ name }) => name))
  const strays = saved.complete ? (await api.collections()).filter((name) => !own.has(name)) : []
  for (const name of strays) {
    ctx.signal.throwIfAborted()
    await api.deleteCollection(name)
  }
  const back = [...saved.aliases, ...(await foreignAliases(restore))]
  const wanted = new Set(back.map(({ alias_name }) => alias_name))
  const goes = (alias: Alias) => saved.complete || wanted.has(alias.alias_name) || own.has(alias.collection_name)
  const actions: AliasAction[] = [
    ...(await api.aliases()).filter(goes).map(({ alias_name }) => ({ delete_alias: { alias_name } })),
    ...back.map((create_alias) => ({ create_alias })),
  ]
  if (actions.length > 0) await api.changeAliases(actions)
}

const uploadTo = (
  { ctx, client: { api }, snapshot }: CollectionRestore,
  { artifact }: SavedCollection,
  to: { collection: string; temporary: 'yes' | 'no' },
) => upload({ ctx, api, snapshot }, artifact, to)

/** Whether the existing collection has the settings of the saved one. */
async function hasSettings(api: Api, saved: SavedCollection): Promise<boolean> {
  const info = await api.info(saved.name).catch((error) => {
    // A collection that the server cannot describe is not worth keeping.
    if (asBackupError(error).code === 'RESTORE_FAILED') return undefined
    throw error
  })
  return info !== undefined && compareConfig(saved, info, true).ok
}

/** Makes the indexes that the server lost, which happens when the snapshot is of another version. */
async function restoreIndexes(api: Api, name: string, saved: SavedCollection): Promise<void> {
  for (const [field, index] of missingIndexes(saved, await api.info(name))) await api.createIndex(name, field, index)
}
