import { lstatSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { isDeepStrictEqual } from 'node:util'
import { asBackupError, BackupError } from '../../errors.ts'
import { closeStream, programStream, runChecked, runProgram } from '../../lib/process.ts'
import { excludeMatcher } from '../../lib/tree/exclude.ts'
import { metadataWriter } from '../../lib/tree/metadata.ts'
import { deviceMatcher, notStill } from '../../lib/tree/walk.ts'
import type { Prepared, PrepareOptions, TargetId, TreeArtifact } from '../repository.ts'
import { findObstacle } from './prepare-obstacles.ts'
import { openStaging } from './staging.ts'

/** Copies of the trees of one target, on the disk of the repository. */
export interface Copies {
  /**
   * Takes what has changed since the hot pass; nothing may write any more. Answers where the whole copy lies, or undefined where this
   * very tree was not copied. Throws NOT_STILL where something writes.
   */
  finish(tree: TreeArtifact): Promise<string | undefined>
}

/** What stands behind the results of `prepareTrees`, which are opaque. */
const known = new WeakMap<Prepared, { dir: string; copies: Copies }>()

/** Throws INTERNAL for what another repository or for another target was prepared. */
export function copiesOf(prepared: Prepared, dir: string, { project, target }: TargetId): Copies {
  const found = known.get(prepared)
  if (found?.dir !== dir) throw new BackupError('INTERNAL', 'the trees were prepared by another repository')
  if (prepared.target.project === project && prepared.target.target === target) return found.copies
  throw new BackupError('INTERNAL', `the trees were prepared for ${prepared.target.target}, not for ${target}`)
}

/**
 * Copies trees to the disk of the repository while they are written. `Copies.finish` then copies only what has changed since, so that
 * a stop lasts as long as that, and the packing comes after it.
 */
export async function prepareTrees(
  dir: string,
  target: TargetId,
  trees: TreeArtifact[],
  options: PrepareOptions & { leastBytes: number },
): Promise<Prepared> {
  const { signal, onWarning } = options
  const staging = await openStaging(dir)
  const copies: TreeCopy[] = []
  try {
    for (const [index, tree] of trees.entries()) {
      const copy = { tree, folder: join(staging.folder, String(index)), mark: join(staging.folder, `${index}.mark`) }
      const obstacle = await findObstacle(staging.folder, tree, options)
      if (obstacle === undefined) {
        await copyHot(copy, signal)
        copies.push(copy)
      } else if (obstacle !== '')
        onWarning(`${obstacle}: its services are down for as long as ${tree.root} takes to be packed`)
    }
  } catch (error) {
    await staging.discard()
    throw error
  }
  const prepared = { target, [Symbol.asyncDispose]: () => staging.discard() }
  known.set(prepared, { dir, copies: { finish: (tree) => finishCopy(copies, tree, options) } })
  return prepared
}

async function finishCopy(
  copies: TreeCopy[],
  tree: TreeArtifact,
  { signal, onWarning }: PrepareOptions,
): Promise<string | undefined> {
  const copy = copies.find((each) => isDeepStrictEqual(each.tree, tree))
  if (!copy) return undefined
  try {
    await copyRest(copy, signal)
    return copy.folder
  } catch (error) {
    if (signal.aborted || asBackupError(error).code === 'NOT_STILL') throw error
    onWarning(`${tree.root} is packed itself, its copy could not be finished: ${asBackupError(error).message}`)
    return undefined
  }
}

/** In seconds. */
const longSeconds = 24 * 3600

interface TreeCopy {
  tree: TreeArtifact
  folder: string
  /** A file. What changed at or after its time may have been missed by the newest pass. */
  mark: string
}

/** Copies twice: the second pass is short, and so is what is left for the stop. What comes and goes meanwhile is no error. */
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
 * Pages that a program has mapped change without a new time until they are written back. A page that is dirty after this became so
 * after the mark, so that its file gets a time later than the mark.
 */
async function beginPass({ tree }: TreeCopy, mark: string, signal: AbortSignal): Promise<void> {
  await setMark(mark, signal)
  await runChecked('sync', ['-f', '--', tree.root], { signal, timeoutSeconds: longSeconds })
}

/** The last pass, while nothing writes any more. Throws NOT_STILL where something does. */
async function copyRest(copy: TreeCopy, signal: AbortSignal): Promise<void> {
  const begin = `${copy.mark}.begin`
  await setMark(begin, signal, 'now')
  await syncChanged(copy, 'still', signal)
  await syncTree(copy, 'still', signal)
  await setOddTimes(copy, signal)
  await refuseChange(copy, begin, signal)
}

/** Sets the times of everything but files: rsync compares those to the second only, and leaves one that differs by less. */
async function setOddTimes({ tree, folder }: TreeCopy, signal: AbortSignal): Promise<void> {
  const args = [tree.root, '-xdev', '!', '-type', 'f', '-printf', '%T@ %P\\0']
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

/** Excluded names change the times of their directories too, so that directories count only where nothing is excluded. */
async function refuseChange(copy: TreeCopy, since: string, signal: AbortSignal): Promise<void> {
  const excluded = excludeMatcher(copy.tree.exclude)
  const what = copy.tree.exclude.length === 0 ? [] : ['!', '-type', 'd']
  const { stdout } = await runChecked('find', findArguments(copy, since, what), { signal, timeoutSeconds: longSeconds })
  const changed = stdout.split('\0').find((path, index, all) => index < all.length - 1 && !excluded(path))
  if (changed !== undefined) throw notStill(join(copy.tree.root, changed), 'changed')
}

/**
 * Gives the mark a time by the clock of the kernel, as files have theirs: two seconds ago, or now, and then a tick of the clock is
 * waited for.
 */
async function setMark(file: string, signal: AbortSignal, when: 'earlier' | 'now' = 'earlier'): Promise<void> {
  const script = when === 'earlier' ? 'touch "$1" && touch -r "$1" -d "-2 seconds" "$1"' : 'touch "$1" && sleep 0.02'
  await runChecked('sh', ['-c', script, 'sh', file], { signal })
}

const flags = ['--archive', '--hard-links', '--acls', '--xattrs', '--sparse', '--numeric-ids', '--one-file-system']

/** 0: rsync ended well. 23: some files could not be copied. 24: some had vanished. The latter two happen in a tree that is written. */
const exitCodes = { hot: [0, 23, 24], still: [0] }

/** Copies what is new or has another size or time, and removes what is gone. */
async function syncTree(copy: TreeCopy, state: 'hot' | 'still', signal: AbortSignal): Promise<void> {
  await rsync([...flags, '--delete', '--delete-excluded', ...excludes(copy)], copy, state, { signal })
}

/** Copies the files that may have changed under the time and size that they had. */
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
  { tree, folder }: TreeCopy,
  state: 'hot' | 'still',
  options: { signal: AbortSignal; input?: Readable },
): Promise<void> {
  const call = [...args, '--', `${tree.root}/`, `${folder}/`]
  const { exitCode, stderr } = await runProgram('rsync', call, { ...options, timeoutSeconds: longSeconds })
  if (exitCodes[state].includes(exitCode)) return
  throw new BackupError(
    'TOOL_FAILED',
    `rsync: exit code ${exitCode}: ${stderr.trim().split('\n').slice(-3).join('\n')}`,
  )
}

/**
 * Only names can be excluded here: a pattern means other things to rsync. What is excluded when the copy is packed may lie in it. A
 * device that is to be skipped must not be copied, because making one can fail.
 */
function excludes({ tree: { root, exclude, skipDevices = [] } }: TreeCopy): string[] {
  const isSkipped = deviceMatcher(skipDevices)
  const devices = skipDevices.filter((path) => {
    const stats = lstatSync(join(root, path), { bigint: true, throwIfNoEntry: false })
    return stats !== undefined && isSkipped(path, stats)
  })
  return [...devices, ...exclude.map((pattern) => pattern.replace(/^(\.?\/)+|\/+$/g, ''))]
    .filter((name) => /^[\w./-]+$/.test(name))
    .map((name) => `--exclude=/${name}`)
}

/** Prints paths relative to the root. */
const findArguments = ({ tree }: TreeCopy, mark: string, what: string[]): string[] => [
  ...[tree.root, '-xdev', ...what, '-newercm', mark],
  ...['-printf', '%P\\0'],
]
