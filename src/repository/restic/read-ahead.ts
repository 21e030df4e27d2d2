import { rm } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemClock } from '../../lib/clock.ts'
import { ProgramFailure } from '../../lib/program-failure.ts'
import { treeSize } from '../../lib/tree/fingerprint.ts'
import { shownPath } from '../../lib/tree/open-root.ts'
import { walkTree } from '../../lib/tree/walk.ts'
import { hasForeignClock } from '../foreign-clock.ts'
import type { TargetId, TreeArtifact } from '../repository.ts'
import { inRestic } from './explain.ts'
import { aheadFlags, DATA, HOLDER } from './layout.ts'
import { makeWork } from './owners.ts'
import { escapePattern } from './patterns.ts'
import { openPlace, type Place } from './place.ts'
import { type Restic, resticMessages, runRestic } from './program.ts'
import { backupFlags, writeBack } from './read-flags.ts'

export interface AheadOptions {
  signal: AbortSignal
  target: TargetId
  /** Id of the owner of what is stored. */
  owner: string
  /** The snapshot of restic whose unchanged files are not read again. */
  parent?: string
  /** A smaller tree is not read ahead, in bytes. */
  leastBytes: number
}

/** A first pass that took longer is followed by a second one, so that the stop has less to read. */
const LONG_PASS_MS = 10_000

/** The clock of a file system goes in ticks of ten milliseconds at most. */
const TICK_MS = 50

/** Paths that one call of restic takes. */
const MOST_PATHS = 1000

/** What came of reading a tree ahead. */
export interface Ahead {
  /** A snapshot of restic with what was read; what may have changed since, without a new time, is not in it. */
  parent?: string
  /** Why it is not read ahead, where the user should hear of it. */
  obstacle?: string
}

/**
 * Reads a tree while it is still written, so that restic has to read only what changed since when nothing writes any more. Files that
 * were written during the pass are taken out of what is kept: they may have changed again within the same time.
 */
export async function readAhead(
  root: string,
  tree: TreeArtifact,
  restic: Restic,
  options: AheadOptions,
): Promise<Ahead> {
  const { signal, leastBytes, owner } = options
  using place = openPlace(root)
  if (place.tree.kind === 'file') return {}
  const { contentBytes } = await treeSize(root, scopeOf(tree), signal)
  if (contentBytes < leastBytes) return {}
  if (await hasForeignClock(place.tree)) return { obstacle: `${shownPath(root)} lies on a network file system` }
  const work = await makeWork(restic, owner)
  try {
    let parent = options.parent
    for (let pass = 1; ; pass++) {
      const begun = systemClock.now().getTime()
      await writeBack(place.tree, signal)
      const id = await readOnce(restic, { work, place, tree, ...options, ...(parent !== undefined && { parent }) })
      const took = systemClock.now().getTime() - begun
      const kept = await without(restic, id, await changedSince(root, tree, begun - TICK_MS, signal), signal)
      if (took < LONG_PASS_MS || pass === 2) return kept === undefined ? {} : { parent: kept }
      parent = id
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

const scopeOf = ({ exclude, skipDevices = [] }: TreeArtifact) => ({ exclude, skipDevices })

interface Reading extends AheadOptions {
  work: string
  place: Place
  tree: TreeArtifact
}

/** What comes and goes meanwhile, which restic ends with 3 for, is no error here. */
async function readOnce(
  restic: Restic,
  { work, place, tree, target, owner, parent, signal }: Reading,
): Promise<string> {
  const args = [...backupFlags(place.tree, tree, parent), ...aheadFlags(target, tree.name, owner), '--', DATA]
  const jail = { tree: place.descriptor, place: DATA, folders: { [HOLDER]: work } }
  let id: string | undefined
  try {
    for await (const message of resticMessages(restic, args, { signal, jail }))
      if (message.message_type === 'summary') id = message.snapshot_id as string | undefined
  } catch (error) {
    if (id === undefined || !(error instanceof ProgramFailure) || error.exitCode !== 3) throw error
  }
  if (id === undefined) throw new Error('restic has not told what it has stored')
  return id
}

/** The files that have changed since a time, in milliseconds since 1970. */
async function changedSince(root: string, tree: TreeArtifact, since: number, signal: AbortSignal): Promise<string[]> {
  const paths: string[] = []
  let count = 0
  for (const { path, stats } of walkTree(root, { ...scopeOf(tree), requireStill: false })) {
    if (stats.isFile() && stats.ctimeMs >= since) paths.push(path)
    if (++count % 1000 !== 0) continue
    await nextTurn()
    signal.throwIfAborted()
  }
  return paths
}

/** The snapshot without these files; undefined where there are too many. */
async function without(restic: Restic, id: string, paths: string[], signal: AbortSignal): Promise<string | undefined> {
  if (paths.length === 0) return id
  if (paths.length > MOST_PATHS) return undefined
  const excludes = paths.flatMap((path) => ['--exclude', `${DATA}/${escapePattern(path)}`])
  const said = await inRestic(restic.address.url, () => runRestic(restic, ['rewrite', ...excludes, id], { signal }))
  // Where none of them was read, nothing is made anew.
  return /saved new snapshot ([0-9a-f]+)/.exec(said)?.[1] ?? id
}
