import { randomBytes } from 'node:crypto'
import { asBackupError, BackupError } from '../../errors.ts'
import type { MethodContext, StoredSnapshot, UndoDetail } from '../method.ts'
import type { Api } from './api.ts'

const prefix = 'xnai-restore-'

/** The detail of an uploaded file, and of its collection where that is a temporary one. */
export interface UploadDetail extends UndoDetail {
  act: 'upload'
  collection: string
  file: string
  /** `yes`: the collection is deleted with the file. */
  temporary: 'yes' | 'no'
  /** The time before the upload, in ISO 8601. */
  at: string
}

/** A name that nobody else uses, for a collection or for a file. */
export const newName = () => prefix + randomBytes(8).toString('hex')

/**
 * Whether a collection is a temporary one of a restore. Such a one is never part of a backup, nor of what a restore
 * leaves.
 */
const isTemporary = (name: string): boolean => new RegExp(`^${prefix}[0-9a-f]{16}$`).test(name)
export const isOurUpload = (file: string): boolean => new RegExp(`^${prefix}[0-9a-f]{16}\\.snapshot$`).test(file)

/** The names of all collections but temporary ones. */
export const listCollections = async (api: Api) => (await api.collections()).filter((name) => !isTemporary(name))

/**
 * Uploads an artifact, which replaces or creates the collection. Disposing removes the file that stays on the server,
 * and the collection too if it is `temporary`. After an error they are removed at once.
 */
export async function upload(
  { ctx, api, snapshot }: { ctx: MethodContext; api: Api; snapshot: StoredSnapshot },
  artifact: string,
  { collection, temporary }: { collection: string; temporary: 'yes' | 'no' },
): Promise<AsyncDisposable> {
  const { bytes, sha256 } = snapshot.artifacts.find(({ name }) => name === artifact) ?? {}
  if (bytes === undefined || sha256 === undefined)
    throw new BackupError('SNAPSHOT_DAMAGED', `snapshot ${snapshot.id} has no ${artifact}`)
  const file = `${newName()}.snapshot`
  const detail: UploadDetail = { act: 'upload', collection, file, temporary, at: ctx.clock.now().toISOString() }
  const recorded = ctx.recordUndo(detail)
  const remove = async () => {
    try {
      await removeUpload(api.detached(), detail)
      recorded[Symbol.dispose]()
    } catch (error) {
      ctx.warn(`${file} of ${collection} stays on the server for now: ${asBackupError(error).message}`)
    }
  }
  try {
    await api.upload(collection, { name: file, bytes, sha256, open: () => snapshot.open(artifact) })
    return { [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/**
 * Deletes an uploaded file. The server lists it only while its collection exists, so an empty collection may be made
 * for that time.
 */
export async function removeUpload(api: Api, { collection, file, temporary }: UploadDetail): Promise<void> {
  const isMade = !(await api.collections()).includes(collection) && (await api.createEmpty(collection))
  try {
    if ((await api.snapshots(collection)).names.includes(file)) await api.deleteSnapshot(collection, file)
  } finally {
    if (isMade || temporary === 'yes') await api.deleteCollection(collection)
  }
}
