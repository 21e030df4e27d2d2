import { BackupError } from '../../errors.ts'
import type { MethodContext, UndoDetail } from '../method.ts'
import { pollAtMost } from '../shared/await-server.ts'
import type { Api } from './api.ts'
import { removeUpload, type UploadNote } from './replace.ts'
import { type AsideNote, removeAside } from './revive.ts'
import { type AskedNote, findAsked, type MadeNote } from './snapshot.ts'

/** A server goes on with what a dead client asked for: seconds after which that has shown itself. */
const settleSeconds = 30

/** Removes what a dead run left on the server. What is gone is a success. */
export async function undoNote(ctx: MethodContext, api: Api, detail: UndoDetail): Promise<void> {
  const note = detail as AskedNote | MadeNote | UploadNote | AsideNote
  if (note.act === 'aside') return removeAside(ctx, api, note)
  const exists = async () => (await api.collections()).includes(note.collection)
  if (note.act === 'upload') {
    if (note.temporary === 'yes') await waitFor(ctx, note.at, exists)
    return removeUpload(api, note)
  }
  if (note.act !== 'made' && note.act !== 'ask') throw new BackupError('INTERNAL', `unknown note ${detail.act}`)
  if (!(await exists())) return
  if (note.act === 'made') return api.deleteSnapshot(note.collection, note.snapshot)
  const find = async () => findAsked(note, (await api.snapshots(note.collection)).names)
  const snapshot = await waitFor(ctx, note.at, find)
  if (snapshot) await api.deleteSnapshot(note.collection, snapshot)
}

/** Looks until it shows, at least once; a server that was started since the note works on nothing of then. */
async function waitFor<T>(ctx: MethodContext, at: string, look: () => Promise<T | undefined | false>) {
  const seen = await look()
  const since = new Date(at).getTime()
  const isNewServer = new Date(ctx.container.startedAt ?? 0).getTime() > since
  const seconds = settleSeconds - (ctx.clock.now().getTime() - since) / 1000
  if (seen || isNewServer || seconds <= 0) return seen
  const { clock, signal } = ctx
  const what = 'a dead run’s work to end'
  return pollAtMost(look, { what, seconds: Math.min(seconds, settleSeconds), clock, signal })
}
