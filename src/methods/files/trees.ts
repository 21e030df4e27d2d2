import type { TargetSpec } from '../../labels/spec.ts'
import { pathsWithin } from '../../lib/tree/only.ts'
import { reachOf } from '../../lib/tree/reach.ts'
import type { TreeArtifact } from '../../repository/repository.ts'
import type { CaptureContext } from '../method.ts'
import { engineDevices } from '../shared/engine-devices.ts'

/** One tree for each path of the target, in order. */
export function treesOf(
  ctx: Pick<CaptureContext, 'paths' | 'treeRoot' | 'only'>,
  { exclude }: Pick<TargetSpec<'files'>, 'exclude'>,
): TreeArtifact[] {
  const trees = nameTrees(
    ctx.paths.map((path) => ({ origin: path, root: ctx.treeRoot(path) })),
    exclude,
  )
  return trees.map((tree) => {
    const only = pathsWithin(tree.origin, ctx.only)?.map((path) => reachOf(tree.root, path))
    return only ? { ...tree, only } : tree
  })
}

/**
 * Trees as artifacts. A name is made from the path in the container: `/app/data` → `app-data`, unique where two come out alike. It
 * begins with a letter or a digit and is short, as a repository wants it.
 */
export function nameTrees(trees: { origin: string; root: string }[], exclude: string[]): TreeArtifact[] {
  const used = new Set<string>()
  return trees.map(({ origin, root }) => {
    const base = baseName(origin)
    let name = base
    for (let count = 2; used.has(name); count++) name = `${base}-${count}`
    used.add(name)
    return { kind: 'tree', name, root, origin, exclude, skipDevices: engineDevices }
  })
}

/** A repository adds endings, and a file system takes 255 bytes. */
const longestName = 100

const baseName = (path: string): string =>
  path
    .replaceAll(/[^A-Za-z0-9._]+/g, '-')
    .toLowerCase()
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, longestName)
    .replace(/-$/, '') || 'root'
