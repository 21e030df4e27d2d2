import { lstat } from 'node:fs/promises'
import { counting } from '../../lib/hash.ts'
import { packTree } from '../../lib/tree/pack.ts'
import type { StageOptions, TreeArtifact } from '../repository.ts'
import { compress, type Shelf } from './compress.ts'
import type { StoredArtifact } from './manifest.ts'

/** The digest of the tree is computed while it is packed, so that nothing is read twice. */
export async function storeTree(
  root: string,
  { kind, name, origin, exclude, only, skipDevices = [] }: TreeArtifact,
  shelf: Shelf,
  options: Pick<StageOptions, 'signal' | 'onBytes' | 'onWarning'>,
): Promise<StoredArtifact> {
  const file = `${name}.tar.zst`
  const tree = packTree(root, { ...options, exclude, skipDevices, ...(only && { only }) })
  const plain = counting(options.onBytes)
  const stored = await compress(tree, plain, { ...shelf, file, signal: options.signal })
  const isFile = (await lstat(root)).isFile()
  const { identity, ...summary } = tree.summary()
  return {
    ...{ kind, name, origin, exclude, ...(isFile && { isFile }), ...(only && { only }) },
    ...{ bytes: plain.bytes(), ...summary },
    stored: { file, ...stored, identity },
  }
}
