import type { MetricsView } from './view.ts'

/** One metric: its name, what it means, and its values. `docs/metrics.md` is made from it. */
export interface MetricRow {
  /** Without the prefix `xnai_backup_`. */
  name: string
  type: 'gauge' | 'counter'
  help: string
  labels: readonly string[]
  samples(view: MetricsView): Sample[]
}

export interface Sample {
  labels: Record<string, string>
  value: number
}

/** Times are seconds since 1970, and 0 for what never was: an age would grow with a controller that is gone. */
export const unixSeconds = (time: string | null | undefined): number => (time ? Date.parse(time) / 1000 : 0)

/** NaN, of which no comparison is true, stands for what is not known. */
export const orUnknown = (value: number | boolean | null | undefined): number =>
  value === null || value === undefined ? Number.NaN : Number(value)
