import { lstatSync } from 'node:fs'
import { longSeconds } from '../../lib/deadline.ts'
import { jailed } from '../../lib/jail.ts'
import { runChecked } from '../../lib/process.ts'
import type { OpenRoot } from '../../lib/tree/open-root.ts'
import { deviceMatcher } from '../../lib/tree/walk.ts'
import type { TreeArtifact } from '../repository.ts'
import { DATA } from './layout.ts'
import { escapePattern, excludeFlags } from './patterns.ts'

/** How restic reads a tree, whether or not it is still written. `parent`: a snapshot of restic whose unchanged files are not read. */
export function backupFlags(
  open: OpenRoot,
  { exclude, skipDevices = [] }: TreeArtifact,
  parent: string | undefined,
): string[] {
  const devices = open.kind === 'file' ? [] : presentDevices(open, skipDevices)
  return [
    ...['backup', '--no-scan', '--one-file-system'],
    ...(parent === undefined ? ['--force'] : ['--parent', parent]),
    ...[...excludeFlags(exclude), ...devices.flatMap((path) => ['--exclude', `${DATA}/${escapePattern(path)}`])],
  ]
}

const presentDevices = (tree: OpenRoot, paths: string[]): string[] => {
  const isDevice = deviceMatcher(paths)
  return paths.filter((path) => {
    const stats = lstatSync(tree.at(path), { bigint: true, throwIfNoEntry: false })
    return stats !== undefined && isDevice(path, stats)
  })
}

/**
 * Pages that a program has mapped change without a new time until they are written back. A page that is dirty after this became so
 * later, so that restic finds another time on its file in the next run.
 */
export async function writeBack(tree: OpenRoot, signal: AbortSignal): Promise<void> {
  const call = jailed({ tree: tree.descriptor }, 'sync', ['-f', '--', '.'])
  await runChecked(...call, { signal, timeoutSeconds: longSeconds })
}
