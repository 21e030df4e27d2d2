import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { BackupError } from '../../errors.ts'
import { isAtOrBelow } from '../../lib/tree/only.ts'
import { shownPath } from '../../lib/tree/open-root.ts'
import type { StageOptions, TargetId, TreeArtifact } from '../repository.ts'
import { describeTree, type Notes, proveStill, type TreeDescription } from './describe-tree.ts'
import { inRestic } from './explain.ts'
import { artifactFlags, DATA, ENTRIES, HOLDER } from './layout.ts'
import type { StoredArtifact } from './manifest.ts'
import { makeWork } from './owners.ts'
import { openPlace, type Place } from './place.ts'
import { type Restic, resticMessages } from './program.ts'
import { backupFlags, writeBack } from './read-flags.ts'

export interface StoreOptions extends Pick<StageOptions, 'signal' | 'onBytes' | 'onWarning'> {
  target: TargetId
  /** Id of the owner of what is stored. */
  owner: string
  /** The snapshot of restic whose unchanged files are not read again. */
  parent?: string
}

/**
 * Stores a tree as one snapshot of restic. A walk before it writes down the entries with all but their content, which are stored beside
 * the tree, and a walk after it proves that nothing has changed in between.
 */
export async function storeTree(
  root: string,
  tree: TreeArtifact,
  restic: Restic,
  options: StoreOptions,
): Promise<StoredArtifact> {
  const { signal } = options
  const { kind, name, origin, exclude, only, skipDevices = [] } = tree
  const scope = { exclude, skipDevices, ...(only && { only }) }
  const work = await makeWork(restic, options.owner)
  try {
    const notes: Notes = { entries: join(work, ENTRIES), states: `${work}.states` }
    const { onWarning } = options
    using place = openPlace(root)
    await writeBack(place.tree, signal)
    const found = await describeTree(root, notes, { ...scope, signal, ...(onWarning && { onWarning }) })
    const { id, bytes } = await inRestic(restic.address.url, () =>
      backup(restic, { work, place, tree, found }, options),
    )
    await proveStill(root, notes.states, scope, signal)
    const { identity, entries, contentBytes } = found
    const isFile = place.tree.kind === 'file'
    return {
      ...{ kind, name, origin, exclude, ...(isFile && { isFile }), ...(only && { only }) },
      ...{ bytes: contentBytes, entries, contentBytes },
      stored: { snapshot: id, bytes, identity, ...(isFile && { fileName: basename(root) }) },
    }
  } finally {
    await rm(work, { recursive: true, force: true })
    await rm(`${work}.states`, { force: true })
  }
}

interface Reading {
  work: string
  place: Place
  tree: TreeArtifact
  found: TreeDescription
}

async function backup(
  restic: Restic,
  { work, place, tree, found }: Reading,
  { signal, target, owner, parent, onBytes = () => {} }: StoreOptions,
): Promise<{ id: string; bytes: number }> {
  const args = [
    ...backupFlags(place.tree, tree, parent),
    ...artifactFlags(target, tree.name, owner),
    ...targetsOf(tree.only, found),
    `${HOLDER}/${ENTRIES}`,
  ]
  const jail = { tree: place.descriptor, place: DATA, folders: { [HOLDER]: work } }
  let told = 0
  let summary: Summary | undefined
  for await (const message of resticMessages(restic, args, { signal, jail })) {
    if (message.message_type === 'summary') summary = message as unknown as Summary
    const done = Math.min(Number(message.bytes_done ?? told), found.contentBytes)
    if (done > told) onBytes(done - told)
    told = Math.max(done, told)
  }
  onBytes(found.contentBytes - told)
  return proveWhole(shownPath(tree.root), found, summary)
}

/** Nothing of the paths may be there: then the root alone is stored. */
function targetsOf(only: string[] | undefined, { present }: TreeDescription): string[] {
  if (!only) return ['--', DATA]
  if (present.length === 0) return ['--exclude', `${DATA}/*`, '--', DATA]
  const tops = present.filter((path) => !present.some((other) => other !== path && isAtOrBelow(path, other)))
  return ['--', ...tops.map((path) => (path === '.' ? DATA : `${DATA}/${path}`))]
}

interface Summary {
  snapshot_id: string
  data_added_packed: number
  files_new: number
  files_changed: number
  files_unmodified: number
  dirs_new: number
  dirs_changed: number
  dirs_unmodified: number
}

/** Throws where restic has taken another number of files or folders than the walk has found. The holder and the entries are ours. */
function proveWhole(
  shown: string,
  { files, folders }: TreeDescription,
  summary: Summary | undefined,
): { id: string; bytes: number } {
  if (!summary) throw new BackupError('TOOL_FAILED', `${shown}: restic has not told what it has stored`)
  const filesTaken = summary.files_new + summary.files_changed + summary.files_unmodified - 1
  const foldersTaken = summary.dirs_new + summary.dirs_changed + summary.dirs_unmodified - 1
  if (filesTaken === files && foldersTaken === folders)
    return { id: summary.snapshot_id, bytes: summary.data_added_packed }
  throw new BackupError(
    'NOT_STILL',
    `${shown}: restic has read ${filesTaken} files and ${foldersTaken} folders of ${files} and ${folders} that are there`,
    {
      hint: 'Does anything write there? Does `exclude` hold a pattern with unusual characters? Write it more plainly.',
    },
  )
}
