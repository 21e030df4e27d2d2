import { lstat } from 'node:fs/promises'
import { packPieces } from '../../lib/tree/pack.ts'
import type { StageOptions, TreeArtifact } from '../repository.ts'
import type { Shelf } from './compress.ts'
import { compressPieces } from './compress-pieces.ts'
import type { StoredArtifact } from './manifest.ts'

/** The digest of the tree is computed while it is packed, so that nothing is read twice. */
export async function storeTree(
  root: string,
  { kind, name, origin, exclude, only, skipDevices = [] }: TreeArtifact,
  shelf: Shelf,
  options: Pick<StageOptions, 'signal' | 'onBytes' | 'onWarning'>,
): Promise<StoredArtifact> {
  const file = `${name}.tar.zst`
  const tree = packPieces(root, { ...options, exclude, skipDevices, ...(only && { only }) })
  let bytes = 0
  const onBytes = (count: number) => {
    bytes += count
    options.onBytes?.(count)
  }
  const stored = await compressPieces(tree, { ...shelf, file, signal: options.signal, onBytes })
  const isFile = (await lstat(root)).isFile()
  const { identity, ...summary } = tree.summary()
  return {
    ...{ kind, name, origin, exclude, ...(isFile && { isFile }), ...(only && { only }) },
    ...{ bytes, ...summary },
    stored: { file, ...stored, identity },
  }
}
