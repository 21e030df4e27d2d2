import type { MethodOptions, TargetSpec } from '../../labels/spec.ts'
import type { Artifact } from '../../repository/repository.ts'
import type { CaptureContext, ForeignInput, MethodContext } from '../method.ts'
import { connect } from './client.ts'
import { findStorage, type Storage } from './layout.ts'
import { createSnapshot } from './snapshot.ts'
import { unpackVmbackup } from './vmrestore.ts'

/** Reads a directory that vmbackup wrote. */
export async function* importForeign(
  ctx: CaptureContext,
  { options }: TargetSpec<'victoriametrics'>,
  input: ForeignInput,
): AsyncIterable<Artifact> {
  const storage = await locateStorage(ctx, options)
  ctx.fact('storage', storage.path)
  ctx.fact('seriesLeast', 0)
  ctx.warn('a directory of vmbackup does not say how many series it holds: look at them after the restore')
  await using unpacked = await unpackVmbackup(ctx, input, storage)
  yield unpacked.artifact
}

/** Finds the storage by a snapshot that the server makes in it. */
async function locateStorage(ctx: MethodContext, options: MethodOptions['victoriametrics']): Promise<Storage> {
  await using client = await connect(ctx, options)
  await using snapshot = await createSnapshot(ctx, client)
  return findStorage(ctx, snapshot.name)
}
