import { basename } from 'node:path'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Artifact } from '../../repository/repository.ts'
import type { CaptureContext, ForeignEntry, ForeignInput } from '../method.ts'
import { findForeign, isArchive } from '../shared/foreign.ts'
import { artifactNames, recordPaths, storeCopy } from './capture.ts'
import { copyFile } from './copy.ts'

/** Reads a database file for each database of the target, and checks it as a captured one is checked. */
export async function* importForeign(
  ctx: CaptureContext,
  _spec: TargetSpec<'sqlite'>,
  input: ForeignInput,
): AsyncIterable<Artifact> {
  const names = artifactNames(ctx.paths)
  for (const [index, path] of ctx.paths.entries()) {
    const { path: source } = findForeign(input, basename(path), (entry) => isDatabase(ctx, input, path, entry))
    await using copy = await copyFile(ctx, { source, path: source })
    yield storeCopy(ctx, { name: names[index] as string, path: source, copy })
  }
  recordPaths(ctx, names)
}

/** A file is known by its name. A target with one database also takes a single file under any name. */
function isDatabase(ctx: CaptureContext, { entries }: ForeignInput, path: string, entry: ForeignEntry): boolean {
  if (entry.isDirectory || isArchive(entry)) return false
  return entry.name === basename(path) || (entries.length === 1 && ctx.paths.length === 1)
}
