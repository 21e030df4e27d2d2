import { lstatSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { asBackupError, BackupError } from '../../errors.ts'
import { closeStream, programStream, runChecked, runProgram } from '../../lib/process.ts'
import { excludeMatcher } from '../../lib/tree/exclude.ts'
import { metadataWriter } from '../../lib/tree/metadata.ts'
import { notStill } from '../../lib/tree/walk.ts'
import type { Ahead, AheadOptions, TreeSource } from '../repository.ts'
import { findObstacle } from './prepare-obstacles.ts'
import { openStaging } from './staging.ts'

/** Hours, in seconds. */
const longSeconds = 24 * 3600

/**
 * Copies of trees on the disk of the repository, made while they are written. `catchUp` then copies only what has changed since, so that
 * a stop lasts as long as that, and the packing comes after it.
 */
export async function copyAhead(
  dir: string,
  trees: TreeSource[],
  { signal, onWarning, leastBytes }: AheadOptions & { leastBytes: number },
): Promise<Ahead> {
  const staging = await openStaging(dir)
  const copies = new Map<string, TreeCopy>()
  try {
    for (const [index, tree] of trees.entries()) {
      const copy = { ...tree, folder: join(staging.folder, String(index)), mark: join(staging.folder, `${index}.mark`) }
      const obstacle = await findObstacle(staging.folder, copy, { signal, leastBytes, onWarning })
      if (obstacle === undefined) {
        await copyHot(copy, signal)
        copies.set(tree.root, copy)
      } else if (obstacle !== '')
        onWarning(`${obstacle}: its services are down for as long as ${tree.root} takes to be packed`)
    }
  } catch (error) {
    await staging.discard()
    throw error
  }
  return {
    catchUp: async (root) => {
      const copy = copies.get(root)
      if (!copy) return undefined
      try {
        await copyRest(copy, signal)
        return copy.folder
      } catch (error) {
        if (signal.aborted || asBackupError(error).code === 'NOT_STILL') throw error
        onWarning(`${root} is packed itself, its copy could not be finished: ${asBackupError(error).message}`)
        return undefined
      }
    },
    [Symbol.asyncDispose]: () => staging.discard(),
  }
}

interface TreeCopy extends TreeSource {
  folder: string
  /** A file whose time says since when a change counts as one that the newest pass may have missed. */
  mark: string
}

/** Twice: the second pass is short, and so is what is left for the stop. What comes and goes meanwhile is no error. */
async function copyHot(copy: TreeCopy, signal: AbortSignal): Promise<void> {
  await mkdir(copy.folder, { mode: 0o700 })
  await beginPass(copy, copy.mark, signal)
  await syncTree(copy, 'hot', signal)
  const next = `${copy.mark}.next`
  await beginPass(copy, next, signal)
  await syncChanged(copy, 'hot', signal)
  await syncTree(copy, 'hot', signal)
  copy.mark = next
}

/**
 * Pages that a program has mapped change without a new time until they are written back: what is dirty after this became so after the
 * mark, and has a later time than that.
 */
async function beginPass({ root }: TreeCopy, mark: string, signal: AbortSignal): Promise<void> {
  await setMark(mark, signal)
  await runChecked('sync', ['-f', '--', root], { signal, timeoutSeconds: longSeconds })
}

/** Nothing writes any more. NOT_STILL where something does. */
async function copyRest(copy: TreeCopy, signal: AbortSignal): Promise<void> {
  const begin = `${copy.mark}.begin`
  await setMark(begin, signal, 'now')
  await syncChanged(copy, 'still', signal)
  await syncTree(copy, 'still', signal)
  await setOddTimes(copy, signal)
  await refuseChange(copy, begin, signal)
}

/** Of all but files rsync takes a time within the same second for the same. */
async function setOddTimes({ root, folder }: TreeCopy, signal: AbortSignal): Promise<void> {
  const args = [root, '-xdev', '!', '-type', 'f', '-printf', '%T@ %P\\0']
  const { stdout } = await runChecked('find', args, { signal, timeoutSeconds: longSeconds })
  const metadata = metadataWriter(folder, signal)
  try {
    for (const [, seconds = '', fraction = '', path = ''] of stdout.matchAll(/(-?\d+)\.(\d{9})\d* ([^\0]*)\0/g)) {
      const mtimeNs = BigInt(seconds) * 1_000_000_000n + BigInt(fraction)
      if (lstatSync(join(folder, path), { throwIfNoEntry: false })) await metadata.add({ path: path || '.', mtimeNs })
    }
    await metadata.end()
  } catch (error) {
    await metadata.abandon()
    throw error
  }
}

/** Names that are left out change the times of their directories too. */
async function refuseChange(copy: TreeCopy, since: string, signal: AbortSignal): Promise<void> {
  const excluded = excludeMatcher(copy.exclude)
  const what = copy.exclude.length === 0 ? [] : ['!', '-type', 'd']
  const { stdout } = await runChecked('find', findArguments(copy, since, what), { signal, timeoutSeconds: longSeconds })
  const changed = stdout.split('\0').find((path, index, all) => index < all.length - 1 && !excluded(path))
  if (changed !== undefined) throw notStill(join(copy.root, changed), 'changed')
}

/** Two seconds ago, or just now and a tick of the clock waited for: by that of the kernel, as the times of files are. */
async function setMark(file: string, signal: AbortSignal, when: 'earlier' | 'now' = 'earlier'): Promise<void> {
  const script = when === 'earlier' ? 'touch "$1" && touch -r "$1" -d "-2 seconds" "$1"' : 'touch "$1" && sleep 0.02'
  await runChecked('sh', ['-c', script, 'sh', file], { signal })
}

const flags = ['--archive', '--hard-links', '--acls', '--xattrs', '--sparse', '--numeric-ids', '--one-file-system']

/** Ended well; some could not be copied; some had vanished: of a tree that is written the latter two are no failure. */
const exitCodes = { hot: [0, 23, 24], still: [0] }

/** What is new, gone, or has another size or time. */
async function syncTree(copy: TreeCopy, state: 'hot' | 'still', signal: AbortSignal): Promise<void> {
  await rsync([...flags, '--delete', '--delete-excluded', ...excludes(copy)], copy, state, { signal })
}

/** What may have changed under the time and size that it had. */
async function syncChanged(copy: TreeCopy, state: 'hot' | 'still', signal: AbortSignal): Promise<void> {
  const input = programStream('find', findArguments(copy, copy.mark, ['-type', 'f']), { signal })
  const args = [...flags, '--ignore-times', '--from0', '--files-from=-', ...excludes(copy)]
  try {
    await Promise.all([finished(input), rsync(args, copy, state, { signal, input })])
  } finally {
    await closeStream(input)
  }
}

async function rsync(
  args: string[],
  { root, folder }: TreeCopy,
  state: 'hot' | 'still',
  options: { signal: AbortSignal; input?: Readable },
): Promise<void> {
  const call = [...args, '--', `${root}/`, `${folder}/`]
  const { exitCode, stderr } = await runProgram('rsync', call, { ...options, timeoutSeconds: longSeconds })
  if (exitCodes[state].includes(exitCode)) return
  throw new BackupError(
    'TOOL_FAILED',
    `rsync: exit code ${exitCode}: ${stderr.trim().split('\n').slice(-3).join('\n')}`,
  )
}

/** Names only: a pattern means other things to rsync. What is left out when the copy is packed may lie in it. */
function excludes({ exclude }: TreeCopy): string[] {
  const names = exclude
    .map((pattern) => pattern.replace(/^(\.?\/)+|\/+$/g, ''))
    .filter((name) => /^[\w./-]+$/.test(name))
  return ['backingFsBlockDev', ...names].map((name) => `--exclude=/${name}`)
}

/** Prints paths relative to the root. */
const findArguments = ({ root }: TreeCopy, mark: string, what: string[]): string[] => [
  ...[root, '-xdev', ...what, '-newercm', mark],
  ...['-printf', '%P\\0'],
]
