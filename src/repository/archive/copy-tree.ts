import { lstatSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { BackupError } from '../../errors.ts'
import { longSeconds } from '../../lib/deadline.ts'
import { TREE } from '../../lib/jail.ts'
import { closeStream, programStream, runChecked, runProgram } from '../../lib/process.ts'
import { excludeMatcher } from '../../lib/tree/exclude.ts'
import { metadataWriter } from '../../lib/tree/metadata.ts'
import { openRoot, shownPath } from '../../lib/tree/open-root.ts'
import { deviceMatcher, notStill } from '../../lib/tree/walk.ts'
import { findInTree, inTree, placeInStaging, runInTree, type TreeCopy } from './copy-programs.ts'

/**
 * Copies twice: the second pass is short, and so is what is left for the stop. What comes and goes meanwhile is no error. Answers the
 * mark of the second pass.
 */
export async function copyHot(copy: TreeCopy, signal: AbortSignal): Promise<string> {
  await mkdir(copy.folder, { mode: 0o700 })
  await beginPass(copy, copy.mark, signal)
  await syncTree(copy, 'hot', signal)
  const next = `${copy.mark}.next`
  await beginPass(copy, next, signal)
  await syncChanged(copy, 'hot', signal)
  await syncTree(copy, 'hot', signal)
  return next
}

/**
 * Pages that a program has mapped change without a new time until they are written back. A page that is dirty after this became so
 * after the mark, so that its file gets a time later than the mark.
 */
async function beginPass(copy: TreeCopy, mark: string, signal: AbortSignal): Promise<void> {
  await setMark(mark, signal)
  await runInTree(copy, 'sync', ['-f', '--', '.'], { signal, timeoutSeconds: longSeconds })
}

/** The last pass, while nothing writes any more. Throws NOT_STILL where something does. */
export async function copyRest(copy: TreeCopy, signal: AbortSignal): Promise<void> {
  const begin = `${copy.mark}.begin`
  await setMark(begin, signal, 'now')
  await syncChanged(copy, 'still', signal)
  await syncTree(copy, 'still', signal)
  await setOddTimes(copy, signal)
  await refuseChange(copy, begin, signal)
}

/** Sets the times of everything but files: rsync compares those to the second only, and leaves one that differs by less. */
async function setOddTimes(copy: TreeCopy, signal: AbortSignal): Promise<void> {
  const args = ['.', '-xdev', '!', '-type', 'f', '-printf', '%T@ %P\\0']
  const { folder } = copy
  using target = openRoot(folder)
  const metadata = metadataWriter(target, signal)
  try {
    for await (const text of findInTree(copy, args, signal)) {
      const [, seconds = '', fraction = '', path = ''] = /^(-?\d+)\.(\d{9})\d* (.*)$/s.exec(text) ?? []
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
  for await (const path of findInTree(copy, findArguments(since, what), signal))
    if (!excluded(path)) throw notStill(join(shownPath(copy.tree.root), path), 'changed')
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
  using source = openRoot(copy.tree.root)
  const find = inTree(source, copy, 'find', findArguments(copy.mark, ['-type', 'f']))
  const input = programStream(...find, { signal })
  const args = [...flags, '--ignore-times', '--from0', '--files-from=-', ...excludes(copy)]
  try {
    await Promise.all([finished(input), rsync(args, copy, state, { signal, input })])
  } finally {
    await closeStream(input)
  }
}

async function rsync(
  args: string[],
  copy: TreeCopy,
  state: 'hot' | 'still',
  options: { signal: AbortSignal; input?: Readable },
): Promise<void> {
  using source = openRoot(copy.tree.root)
  const call = inTree(source, copy, 'rsync', [...args, '--', `${TREE}/`, `${placeInStaging(copy.folder)}/`])
  const { exitCode, stderr } = await runProgram(...call, { ...options, timeoutSeconds: longSeconds })
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
    const stats = lstatSync(`${root}/${path}`, { bigint: true, throwIfNoEntry: false })
    return stats !== undefined && isSkipped(path, stats)
  })
  return [...devices, ...exclude.map((pattern) => pattern.replace(/^(\.?\/)+|\/+$/g, ''))]
    .filter((name) => /^[\w./-]+$/.test(name))
    .map((name) => `--exclude=/${name}`)
}

/** Prints paths relative to the root. */
const findArguments = (mark: string, what: string[]): string[] => [
  ...['.', '-xdev', ...what, '-newercm', placeInStaging(mark)],
  ...['-printf', '%P\\0'],
]
