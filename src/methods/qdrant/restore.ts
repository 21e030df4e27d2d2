import { BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Check, MethodContext, RestoreContext, StoredSnapshot, UndoDetail } from '../method.ts'
import { pollAtMost } from '../shared/await-server.ts'
import type { Api } from './api.ts'
import { awaitReady, connect, refuseStopped } from './client.ts'
import { noteForeignAliases } from './foreign-aliases.ts'
import { readInventory, selectWanted } from './inventory.ts'
import { type AsideDetail, removeAside, startDespiteDamage } from './move-aside.ts'
import { type CollectionRestore, rehearse, replaceCollection, replaceNames } from './replace-collections.ts'
import { type AskedDetail, findAsked, type MadeDetail } from './snapshot.ts'
import { endOrphans } from './start.ts'
import { removeUpload, type UploadDetail } from './upload.ts'

/**
 * Tries every collection under a temporary name first. Only when all of them are proven there, it replaces those that
 * are in use.
 */
export async function restore(
  ctx: RestoreContext,
  spec: TargetSpec<'qdrant'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const saved = selectWanted(await readInventory(snapshot), spec)
  const started = await startDespiteDamage(ctx, spec, saved)
  await endOrphans(ctx, spec, saved)
  await using client = await connect(ctx, spec, 'RESTORE_FAILED')
  const parts: CollectionRestore = { ctx, client, saved, snapshot }
  for (const collection of saved.collections) await rehearse(parts, collection)
  await noteForeignAliases(parts)
  for (const collection of saved.collections) await replaceCollection(parts, collection)
  await replaceNames(parts)
  await started.settle()
  return []
}

/** Removes what a dead run left on the server, which MUST run. What is gone already is a success. */
export async function undo(ctx: MethodContext, spec: TargetSpec<'qdrant'>, detail: UndoDetail): Promise<void> {
  refuseStopped(ctx)
  await using client = await awaitReady(ctx, spec)
  await undoDetail(ctx, client.api, detail as AskedDetail | MadeDetail | UploadDetail | AsideDetail)
}

async function undoDetail(
  ctx: MethodContext,
  api: Api,
  detail: AskedDetail | MadeDetail | UploadDetail | AsideDetail,
): Promise<void> {
  if (detail.act === 'aside') return removeAside(ctx, api, detail)
  const exists = async () => (await api.collections()).includes(detail.collection)
  if (detail.act === 'upload') {
    if (detail.temporary === 'yes') await waitFor(ctx, detail.at, exists)
    return removeUpload(api, detail)
  }
  const { act } = detail
  if (act !== 'made' && act !== 'ask') throw new BackupError('INTERNAL', `unknown note ${act}`)
  if (!(await exists())) return
  if (detail.act === 'made') return api.deleteSnapshot(detail.collection, detail.snapshot)
  const find = async () => findAsked(detail, (await api.snapshots(detail.collection)).names)
  const snapshot = await waitFor(ctx, detail.at, find)
  if (snapshot) await api.deleteSnapshot(detail.collection, snapshot)
}

/** The server goes on with what a dead client asked for. After so many seconds the result is to be seen. */
const settleSeconds = 30

/**
 * Looks at least once, and until there is an answer. A server that was started since `at` works on nothing that was
 * asked for then.
 */
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
