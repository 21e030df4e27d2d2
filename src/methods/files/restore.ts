import type { TargetSpec } from '../../labels/spec.ts'
import { clearTree, ensureRoot } from '../../lib/tree/in-child.ts'
import { pathsWithin } from '../../lib/tree/only.ts'
import type { ArtifactRecord } from '../../repository/repository.ts'
import type { Check, MethodContext, RestoreContext, StoredSnapshot } from '../method.ts'
import { engineDevices } from '../shared/engine-devices.ts'
import { extractTree, proveTree } from '../shared/extract.ts'
import { compareIndexes } from './compare-indexes.ts'

/** A tree of the snapshot and its place of now. */
interface Part {
  artifact: ArtifactRecord
  root: string
  /** Paths relative to the root that were asked for. Absent: the whole artifact. */
  only?: string[]
}

/** Replaces the trees in place, or the paths of them that were asked for, and proves what it has put back. */
export async function restore(
  ctx: RestoreContext,
  { quiesce }: TargetSpec<'files'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const trees = snapshot.artifacts.filter(({ kind }) => kind === 'tree')
  const parts = trees
    .map((artifact) => partOf(ctx, artifact))
    .filter(({ only }) => only === undefined || only.length > 0)
  if (quiesce !== 'none') await ctx.service.stop()
  const checks: Check[] = []
  for (const part of parts) {
    await replaceTree(ctx, snapshot, part)
    const how = { skipDevices: engineDevices, ...(part.only && { only: part.only }) }
    checks.push(await proveTree(snapshot, part.artifact, part.root, how))
  }
  if (parts.some(({ only }) => only)) return checks
  const whole = parts.map(({ artifact: { origin = '', exclude = [] }, root }) => ({ origin, exclude, root }))
  return [...checks, ...(await compareIndexes(ctx, snapshot, whole))]
}

function partOf(ctx: RestoreContext, artifact: ArtifactRecord): Part {
  const origin = artifact.origin ?? ''
  const only = pathsWithin(origin, ctx.only)
  return { artifact, root: ctx.treeRoot(origin), ...(only && { only }) }
}

/** The root stays the same inode, because it is what is mounted. What the snapshot excluded is left alone. */
async function replaceTree(ctx: MethodContext, snapshot: StoredSnapshot, part: Part): Promise<void> {
  const { artifact, root, only } = part
  const options = {
    exclude: artifact.exclude ?? [],
    skipDevices: engineDevices,
    signal: ctx.signal,
    onWarning: ctx.warn,
  }
  await ensureRoot(root, artifact.isFile ? 'file' : 'directory', ctx.signal)
  for (const path of only ?? artifact.only ?? ['.']) await clearTree(root, path, options)
  await extractTree(snapshot, artifact, root, only)
}
