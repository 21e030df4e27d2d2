import type { TargetSpec } from '../../labels/spec.ts'
import type { TreeArtifact } from '../../repository/repository.ts'
import type { MethodContext } from '../method.ts'
import { engineDevices } from '../shared/engine-devices.ts'

/** One tree for each path of the target, in order. */
export function treesOf(
  ctx: Pick<MethodContext, 'paths' | 'hostPath'>,
  { exclude }: Pick<TargetSpec<'files'>, 'exclude'>,
): TreeArtifact[] {
  return nameTrees(
    ctx.paths.map((path) => ({ origin: path, root: ctx.hostPath(path) })),
    exclude,
  )
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
