import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { TreeArtifact } from '../../repository/repository.ts'
import type { CaptureContext, ForeignInput, MethodContext } from '../method.ts'
import { isArchive } from '../shared/foreign.ts'
import { recordIndexes } from './record-indexes.ts'
import { nameTrees } from './trees.ts'

/** One tree for each path of the target that the input holds. */
export async function* importForeign(
  ctx: CaptureContext,
  { exclude }: TargetSpec<'files'>,
  input: ForeignInput,
): AsyncGenerator<TreeArtifact> {
  const found = ctx.paths.flatMap((path) => {
    const root = findTree(ctx, input, path)
    return root === undefined ? [] : [{ origin: path, root }]
  })
  if (found.length === 0) {
    const message = `${input.name} holds none of ${ctx.paths.join(', ')}`
    throw new BackupError('RESTORE_REFUSED', message, { hint: 'Nothing was touched. Name the folder or file itself.' })
  }
  const trees = nameTrees(found, exclude)
  yield* trees
  await recordIndexes(ctx, trees)
}

/** A tree is found by its name. A target of one path takes the file or folder that was named, whatever it is called. */
function findTree(ctx: MethodContext, input: ForeignInput, path: string): string | undefined {
  const [named] = input.entries
  const found = input.entries.find(({ name }) => name === basename(path))
  const root = found ?? (ctx.paths.length === 1 && named && !isArchive(named) ? named : undefined)
  if (!root) ctx.warn(`${path} is not in ${input.name}, and is left as it is`)
  else warnOfOwner(ctx, root.path, path)
  return root?.path
}

function warnOfOwner(ctx: MethodContext, root: string, path: string): void {
  const now = statSync(ctx.hostPath(path), { throwIfNoEntry: false })
  const then = statSync(root)
  if (!now || (now.uid === then.uid && now.gid === then.gid)) return
  const said = `${root} belongs to ${then.uid}:${then.gid}, ${path} to ${now.uid}:${now.gid}`
  ctx.warn(`${said}: what comes back has the owners of the former; is that not right, chown it and restore it again`)
}
