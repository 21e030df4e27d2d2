import type { TargetId } from '../repository.ts'

/** Where things lie in the jail of restic, and so in its snapshots. The path of a tree is the same for every host and mount. */
export const HOLDER = '/tree'
export const DATA = '/tree/data'
/** The entries of a tree with all but their content, a line of JSON each: see `formatEntry`. */
export const ENTRIES = 'entries.jsonl'

/** Marks every snapshot of restic that is ours. */
const OURS = 'xnai-backup'
const MANIFEST = 'manifest'

/** A snapshot of restic that is ours. */
export interface ResticSnapshot {
  id: string
  /** The id of the snapshot that it is the manifest of. Absent: it holds an artifact. */
  manifestOf?: string
  /** The id of its owner, which it shares with what was staged with it. */
  owner: string
  /** `project/target`. */
  host: string
  /** The host that stored it: see `SnapshotMeta.host`. */
  by?: string
  /** Of a copy: the id of the snapshot of restic that it was copied from first, by which manifests still name it. */
  original?: string
}

/** Written as the host of a snapshot, by which restic groups: what stock restic shows and forgets is divided by targets. */
export const hostOf = ({ project, target }: TargetId): string => (project === '' ? target : `${project}/${target}`)

export const artifactFlags = (target: TargetId, name: string, owner: string): string[] =>
  flags(target, [OURS, `artifact=${name}`, `owner=${owner}`])

/** Of what was read while it was still written: it is no part of a snapshot, and only tells the next reading what has not changed. */
export const aheadFlags = (target: TargetId, name: string, owner: string): string[] =>
  flags(target, [OURS, `ahead=${name}`, `owner=${owner}`])

export const manifestFlags = (target: TargetId, id: string, owner: string): string[] =>
  flags(target, [OURS, MANIFEST, `id=${encodeURIComponent(id)}`, `owner=${owner}`])

function flags(target: TargetId, tags: string[]): string[] {
  const by = target.host === undefined ? [] : [`by=${encodeURIComponent(target.host)}`]
  return ['--host', hostOf(target), '--tag', [...tags, ...by].join(',')]
}

/** Reads what `restic snapshots --json` prints. What is not ours is passed over. */
export function parseSnapshots(text: string): ResticSnapshot[] {
  const all = JSON.parse(text) as { id: string; original?: string; hostname?: string; tags?: string[] }[]
  return all.flatMap(({ id, original, hostname: host = '', tags = [] }) => {
    if (!tags.includes(OURS)) return []
    const tagged = (key: string) => tags.find((tag) => tag.startsWith(`${key}=`))?.slice(key.length + 1) ?? ''
    const by = decodeURIComponent(tagged('by'))
    const more = { ...(original !== undefined && { original }), ...(by !== '' && { by }) }
    const common = { id, host, owner: tagged('owner'), ...more }
    return tags.includes(MANIFEST) ? { ...common, manifestOf: decodeURIComponent(tagged('id')) } : common
  })
}
