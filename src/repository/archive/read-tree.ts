import { runChecked } from '../../lib/process.ts'
import { type IdentifiedTree, identifyTree } from '../../lib/tree/identity.ts'
import { pickPaths } from '../../lib/tree/pick.ts'
import { unpackTree } from '../../lib/tree/unpack.ts'
import type { TreeScope } from '../../lib/tree/walk.ts'
import type { ExtractOptions } from '../repository.ts'
import { decompress, otherContent } from './decompress.ts'

const SYNC_TIMEOUT_SECONDS = 1800

/** Unpacks a stored tree to the directory `to` and syncs it. Throws SNAPSHOT_DAMAGED where the bytes make another tree. */
export async function extractTree(
  to: string,
  { path, identity }: { path: string; identity: string | undefined },
  { signal, only, onPart, onBytes }: ExtractOptions,
): Promise<void> {
  const found = await unpackTree(decompress(path, { signal, onBytes }), to, { signal, ...(only && { only }) })
  if (found.identity !== identity) throw otherContent(path)
  if (only) onPart?.(found.asked)
  await runChecked('sync', ['-f', '--', to], { signal, timeoutSeconds: SYNC_TIMEOUT_SECONDS })
}

/** The digest of a tree, or of the paths of it that were asked for. The folders on the way stay as they are, and are no part of that. */
export async function identifyPart(
  root: string,
  scope: TreeScope & { signal: AbortSignal },
  asked: string[] | undefined,
): Promise<IdentifiedTree> {
  const pick = pickPaths(asked)
  return await identifyTree(root, { ...scope, counts: (entry) => pick.wants(entry) === 'asked' })
}
