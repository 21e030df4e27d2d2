import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { freeBytes } from '../../lib/free-space.ts'
import { runProgram } from '../../lib/process.ts'
import { treeSize } from '../../lib/tree/fingerprint.ts'
import { openRoot, shownPath } from '../../lib/tree/open-root.ts'
import { hasForeignClock } from '../foreign-clock.ts'
import type { PrepareOptions, TreeArtifact } from '../repository.ts'

/** The reason why a tree is not copied while it is written: '' where the user need not hear of it, undefined where there is none. */
export async function findObstacle(
  root: string,
  staging: string,
  { exclude, skipDevices = [] }: TreeArtifact,
  { signal, leastBytes, onWarning }: PrepareOptions & { leastBytes: number },
): Promise<string | undefined> {
  using tree = openRoot(root)
  if (tree.kind === 'file') return ''
  const noticed: string[] = []
  const onNotice = (text: string) => void noticed.push(text)
  const { contentBytes } = await treeSize(root, { exclude, skipDevices, onWarning: onNotice }, signal)
  if (contentBytes < leastBytes) return ''
  if (await hasForeignClock(tree)) return `${shownPath(root)} lies on a network file system`
  // There must be room for the copy, and in the worst case for as much again when it is packed.
  if ((await freeBytes(staging)) < 2 * contentBytes)
    return `the repository has no room for a copy of ${contentBytes} bytes`
  if (!(await keepsEverything(staging, signal))) return 'the file system of the repository does not keep all attributes'
  // Nothing of this is noticed when the copy is packed: mounts are not in it.
  for (const text of noticed) onWarning(text)
  return undefined
}

/** Says whether a copy keeps owner, mode, nanoseconds, links, attributes and ACLs: what it lost would be lost in the snapshot. */
async function keepsEverything(staging: string, signal: AbortSignal): Promise<boolean> {
  const folder = await mkdtemp(join(staging, 'probe-'))
  try {
    const { exitCode, stdout } = await runProgram('sh', ['-ec', probe], { signal, cwd: folder })
    return exitCode === 0 && stdout === 'kept\n'
  } finally {
    await rm(folder, { recursive: true })
  }
}

const probe = `touch file acl && chown 1:1 file && chmod 4751 file && ln file hard && ln -s file soft && mkfifo fifo
setfattr -n user.probe -v kept file && setfacl -m u:1:r acl && touch -d '2001-02-03 04:05:06.123456789 UTC' file
[ "$(stat -c '%u %g %a %h %.9Y' file)" = '1 1 4751 2 981173106.123456789' ] && [ -p fifo ] && [ "$(readlink soft)" = file ]
getfacl -cn acl | grep -qx user:1:r-- && getfattr --only-values -n user.probe file && echo`
