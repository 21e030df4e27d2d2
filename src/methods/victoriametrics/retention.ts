const hour = 3600
const day = 24 * hour
/** As the server reads `-retentionPeriod`: a number alone counts months of 31 days (lib/flagutil/duration.go). */
const units: Record<string, number> = { h: hour, d: day, w: 7 * day, y: 365 * day, M: 31 * day, '': 31 * day }

/** How long the server keeps data, in seconds; undefined where its metrics do not tell. */
export function retentionOf(metrics: string): number | undefined {
  const value = /^flag\{name="retentionPeriod", value="([^"]*)"/m.exec(metrics)?.[1]
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([a-zA-Z]?)$/.exec(value ?? '') ?? []
  const seconds = Number(amount) * (units[unit] ?? Number.NaN)
  return Number.isNaN(seconds) ? undefined : seconds
}

/** The first second of a partition of the storage, which is named after its month: `2026_11`. Undefined for other names. */
export function partitionStart(name: string): number | undefined {
  const [, year, month] = /^(\d{4})_(\d{2})$/.exec(name) ?? []
  return year === undefined ? undefined : Date.UTC(Number(year), Number(month) - 1) / 1000
}
