import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { freeBytes } from '../free-space.ts'
import { treeSize } from './fingerprint.ts'

/** Whether `bytes` have room at `root` once what lies there is gone, and how many are free now. */
export async function roomFor(
  root: string,
  bytes: number,
  signal: AbortSignal,
): Promise<{ fits: boolean; free: number }> {
  const free = await freeBytes(nearestExisting(root))
  if (bytes <= free) return { fits: true, free }
  return { fits: existsSync(root) && bytes <= free + (await treeSize(root, {}, signal)).contentBytes, free }
}

/** The path or its nearest parent that exists. */
const nearestExisting = (path: string): string => (existsSync(path) ? path : nearestExisting(dirname(path)))
