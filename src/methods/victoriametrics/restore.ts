import { fchmodSync, fchownSync, fstatSync } from 'node:fs'
import type { TargetSpec } from '../../labels/spec.ts'
import { clearTree } from '../../lib/tree/in-child.ts'
import { createRoot, openRoot, rootExists } from '../../lib/tree/open-root.ts'
import type { Check, MethodContext, RestoreContext, StoredSnapshot, UndoDetail } from '../method.ts'
import { engineDevices } from '../shared/engine-devices.ts'
import { extractTree, proveTree } from '../shared/extract.ts'
import { connect } from './client.ts'
import { storageOf } from './layout.ts'
import { deleteSnapshot } from './snapshot.ts'
import { removeScratch } from './vmrestore.ts'

/** Replaces the storage of the stopped server by the trees of the snapshot. */
export async function restore(
  ctx: RestoreContext,
  _spec: TargetSpec<'victoriametrics'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const root = storageOf(ctx, snapshot)
  await ctx.service.stop()
  if (!rootExists(root)) createRoot(root, 'directory')
  using storage = openRoot(root)
  const owner = fstatSync(storage.descriptor)
  // Everything is removed: the server would take old files for part of the restored state. It makes its caches and its lock anew.
  await clearTree(root, '.', { exclude: [], skipDevices: engineDevices, signal: ctx.signal, onWarning: ctx.warn })
  const checks: Check[] = []
  for (const artifact of snapshot.artifacts) checks.push(...(await replaceTree(ctx, snapshot, artifact, root)))
  fchownSync(storage.descriptor, owner.uid, owner.gid)
  fchmodSync(storage.descriptor, owner.mode & 0o7777)
  return checks
}

/** Deletes the snapshot on the server, or the folder of an import, that a dead run left. */
export async function undo(
  ctx: MethodContext,
  { options }: TargetSpec<'victoriametrics'>,
  detail: UndoDetail,
): Promise<void> {
  if (detail.scratch !== undefined) return removeScratch(ctx, detail.scratch)
  await using client = await connect(ctx, options)
  await deleteSnapshot(client, detail, ctx.signal)
}

/** The tree of the storage's own folder comes first. It is not proven, since the next trees are put into it. */
async function replaceTree(
  ctx: MethodContext,
  snapshot: StoredSnapshot,
  artifact: StoredSnapshot['artifacts'][number],
  storage: string,
): Promise<Check[]> {
  const to = ctx.hostPath(artifact.origin ?? '')
  if (!rootExists(to)) createRoot(to, 'directory')
  await extractTree(snapshot, artifact, to)
  return to === storage ? [] : [await proveTree(snapshot, artifact, to, { skipDevices: engineDevices })]
}
