import { posix } from 'node:path'
import { listContents } from '../../job/contents/list.ts'
import { currentPlan } from '../../job/current-plan.ts'
import { listHosts, listSnapshots, type TieredSnapshot } from '../../job/repositories.ts'
import { targetKey, targetKeyOf } from '../../plan/plan.ts'
import { allTargets, storedTargets } from '../choose-targets.ts'
import type { Session } from '../command.ts'
import type { Wanted } from './wanted.ts'

/** More would not be read. */
const mostShown = 200

/** The words of the running stack that may stand at the end of a command line; `current` is what is typed of the last one. */
export async function findCandidates(session: Session, wanted: Wanted, current: string): Promise<string[]> {
  const all = await allCandidates(session, wanted, current)
  return all.filter((word) => word.startsWith(current)).slice(0, mostShown)
}

async function allCandidates({ parts, signal }: Session, wanted: Wanted, current: string): Promise<string[]> {
  if (wanted.kind === 'words') return wanted.words
  if (wanted.kind === 'files') return []
  if (wanted.kind === 'hosts') return await listHosts(parts, signal)
  const list = async () => (await listSnapshots(parts, signal)).toReversed()
  if (wanted.kind === 'targets') {
    // Without an engine, the targets that have snapshots are known.
    const found = await currentPlan(parts, signal).then(
      ({ plan }) => allTargets(plan),
      () => undefined,
    )
    return namesOf(found ?? storedTargets(await list()))
  }
  const snapshots = await list()
  if (wanted.kind === 'ids') {
    const { targets, words } = wanted
    const chosen = snapshots.filter((one) => targets.length === 0 || targets.some((name) => isOf(one, name)))
    return [...words, ...chosen.map(({ id }) => id)]
  }
  const snapshot = snapshots.find((one) => isMeant(one, wanted))
  if (!snapshot) return []
  const inFolder = (path?: string) => listContents(parts, snapshot, { recursive: false, ...(path && { path }) }, signal)
  const folder = current.endsWith('/') ? current.slice(0, -1) : posix.dirname(current)
  const { entries } = await inFolder(['', '.', '/'].includes(folder) ? undefined : folder).catch(() => inFolder())
  return entries.map(({ path, type }) => (type === 'directory' ? `${path}/` : path))
}

/** The short name where it is the only one. */
function namesOf(targets: readonly { project: string; name: string }[]): string[] {
  const count = Map.groupBy(targets, ({ name }) => name)
  return targets.map((one) => (count.get(one.name)?.length === 1 ? one.name : targetKey(one))).toSorted()
}

const isOf = ({ project, target }: TieredSnapshot, name: string): boolean =>
  target === name || targetKeyOf({ project, target }) === name

/** `ls` names the id in the place of the target. A safety snapshot is found by its id alone. */
function isMeant(snapshot: TieredSnapshot, { target = '', id }: Wanted & { kind: 'paths' }): boolean {
  if (snapshot.id.startsWith(id ?? target)) return true
  return id === undefined && snapshot.reason !== 'safety' && isOf(snapshot, target)
}
