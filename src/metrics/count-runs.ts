import type { Catalog, Run } from '../catalog/catalog.ts'
import type { RunCounts } from './view.ts'

/** More than end within a minute. */
const newest = 200

export interface RunCounter extends RunCounts {
  /** Counts the runs that have ended since the last call. It MUST be called at least by the minute. */
  update(): void
}

/** Counts runs of every process from now on. */
export function createRunCounter({ runs }: Pick<Catalog, 'runs'>): RunCounter {
  const counts = new Map<string, number>()
  const ended = () => runs({ limit: newest }).filter(({ outcome }) => outcome !== undefined)
  let known = new Set(ended().map(idOf))
  return {
    of: ({ project, target }, kind, outcome) => counts.get([project, target, kind, outcome].join(' ')) ?? 0,
    update() {
      const now = ended()
      for (const run of now.filter((each) => !known.has(idOf(each)))) {
        const key = [run.project, run.target, run.kind, run.outcome].join(' ')
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
      known = new Set(now.map(idOf))
    },
  }
}

const idOf = ({ id, project, target }: Run): string => `${id} ${project}/${target}`
