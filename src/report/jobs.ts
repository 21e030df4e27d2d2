import type { Run, RunKind } from '../catalog/catalog.ts'
import type { Parts } from '../job/job.ts'

/** A run that goes on, in whichever process. Times are ISO 8601 UTC. */
export interface JobReport {
  run: string
  kind: RunKind
  project: string
  target: string
  started: string
  /** What it is doing, in plain words; null where it is not known yet. */
  step: string | null
  stepSince: string | null
  bytes: number
  /** The bytes of the newest backup: about as many are to be expected. Null where there is none. */
  expectedBytes: number | null
}

/** Newest runs that are looked at for those that go on. */
const looked = 100

/** The runs that go on, the oldest first. */
export function reportJobs({ catalog }: Pick<Parts, 'catalog'>): JobReport[] {
  const running = catalog.runs({ limit: looked }).filter(({ outcome }) => outcome === undefined)
  return running.toReversed().map((run) => ({ ...describe(run), expectedBytes: expectedOf(catalog, run) }))
}

const describe = ({ id, kind, project, target, started, progress }: Run) => ({
  run: id,
  ...{ kind, project, target, started },
  step: progress?.step ?? null,
  stepSince: progress?.since ?? null,
  bytes: progress?.bytes ?? 0,
})

function expectedOf(catalog: Parts['catalog'], { project, target }: Run): number | null {
  const [newest] = catalog.runs({ project, target, kind: 'backup', outcome: 'complete', limit: 1 })
  return newest?.bytes ?? null
}
