import { findMissing, removeTree } from '../../lib/tree/in-child.ts'
import type { Target } from '../../plan/plan.ts'
import type { Parts } from '../job.ts'
import { resolveHostPath } from '../method-context.ts'

/** The captured paths that do not exist any more, and the target without them. They are none for methods that dump. */
export async function findPresent(
  parts: Parts,
  target: Target,
  signal: AbortSignal,
): Promise<{ absent: string[]; present?: Target }> {
  const { paths, container } = target
  const roots = paths.map((path) => resolveHostPath(parts, container, path))
  const missing = await findMissing(roots, signal)
  const absent = paths.filter((_, index) => missing.includes(roots[index] as string))
  if (paths.length > 0 && absent.length === paths.length) return { absent }
  return { absent, present: { ...target, paths: paths.filter((path) => !absent.includes(path)) } }
}

/** Removes container paths that did not exist before the restore. */
export async function removePaths(parts: Parts, { container }: Target, paths: string[]): Promise<void> {
  for (const path of paths) await removeTree(resolveHostPath(parts, container, path), new AbortController().signal)
}
