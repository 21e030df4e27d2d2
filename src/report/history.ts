import type { Run } from '../catalog/catalog.ts'
import type { Parts } from '../job/job.ts'

/** What the past backups of a target show of it. */
export interface History {
  /** Of backups that left a snapshot, oldest first. `time`: ISO 8601 UTC. */
  sizes: { time: string; bytes: number }[]
  /** How long services were down for the newest backup; null without one. */
  stopSeconds: number | null
}

/** From the newest runs, newest first. */
export function reportHistory(runs: readonly Run[]): History {
  const left = runs.filter(({ outcome, snapshot }) => outcome !== 'failed' && snapshot !== undefined)
  return {
    sizes: left.flatMap(({ started, bytes }) => (bytes === undefined ? [] : [{ time: started, bytes }])).toReversed(),
    stopSeconds: left[0]?.downtimeSeconds ?? null,
  }
}

/** The newest runs of one target of every kind, newest first. */
export const pastRuns = ({ catalog }: Pick<Parts, 'catalog'>, project: string, target: string): Run[] =>
  catalog.runs({ project, target, limit: 30 })

/** The newest drill of one target that has ended. */
export const lastDrill = ({ catalog }: Pick<Parts, 'catalog'>, project: string, target: string): Run | undefined =>
  catalog.runs({ project, target, kind: 'drill', limit: 10 }).find(({ drill }) => drill)
