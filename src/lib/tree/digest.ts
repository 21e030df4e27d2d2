import { pipeline } from 'node:stream/promises'
import { hashing } from '../hash.ts'
import { packTree } from './pack.ts'

/**
 * SHA-256 of the tar stream that a tree packs to. Packing is deterministic, so a restored tree that is the same in every name, byte,
 * owner, mode, time, link and attribute has the digest that its snapshot's manifest holds.
 */
export async function digestTree(root: string, options: { exclude: string[]; signal: AbortSignal }): Promise<string> {
  const hash = hashing()
  await pipeline(packTree(root, options), hash, async (bytes) => {
    for await (const _ of bytes);
  })
  return hash.digest().sha256
}
