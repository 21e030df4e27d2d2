import { createRoot, rootExists } from './open-root.ts'

/** Makes the root of a tree where there is nothing: see `createRoot`. */
export async function ensureRoot(root: string, kind: 'directory' | 'file', signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (!rootExists(root)) createRoot(root, kind)
}

/** Answers those of the roots at which there is nothing: see `rootExists`. */
export async function findMissing(roots: string[], signal: AbortSignal): Promise<string[]> {
  signal.throwIfAborted()
  return roots.filter((root) => !rootExists(root))
}
