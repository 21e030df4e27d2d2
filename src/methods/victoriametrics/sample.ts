import { createHash } from 'node:crypto'
import { asBackupError, BackupError } from '../../errors.ts'
import type { Facts } from '../../repository/repository.ts'
import type { MethodContext } from '../method.ts'
import { parseObject, type VictoriaMetricsClient } from './client.ts'

/** Raw points of a few series in a fixed time of the past. The server must answer the same for them for ever. */
export interface Sample {
  /** Unix seconds. */
  start: number
  /** Unix seconds. */
  end: number
  /** One selector for each series. */
  selectors: string[]
  points: number
  /** Unix seconds of the oldest point. Absent in snapshots of old, and where there is no point. */
  first?: number
  /** The digest of the points. */
  sha256: string
}

/** The number of series that the server has; undefined for a vmstorage, which answers no queries. */
export async function countSeries(client: VictoriaMetricsClient): Promise<number | undefined> {
  const path = '/api/v1/series/count'
  const answer = await client.askIfKnown(path)
  if (answer === undefined) return undefined
  const count = Number(parseObject(path, answer).data?.[0])
  if (Number.isInteger(count)) return count
  throw new BackupError('DUMP_FAILED', `${path}: no number in the answer`)
}

const day = 86_400
/**
 * The age of the newest data that is asked for: younger data may still be on its way, and instant queries hide the
 * last 30 seconds.
 */
const restSeconds = 60
const mostSeries = 3

/**
 * Takes a sample of the last day, month or ten years. Returns undefined where there is no data, or none that can be
 * asked for.
 */
export async function takeSample(ctx: MethodContext, client: VictoriaMetricsClient): Promise<Sample | undefined> {
  const end = Math.floor(ctx.clock.now().getTime() / 1000) - restSeconds
  for (const days of [1, 30, 3650]) {
    const start = Math.max(0, end - days * day)
    const selectors = await findSeries(client, start, end)
    if (selectors.length > 0) return { start, end, selectors, ...(await readPoints(client, { start, end, selectors })) }
  }
  return undefined
}

/** Whether the server still answers the same. It does not where points of that time came in meanwhile. */
export async function isStill(client: VictoriaMetricsClient, sample: Sample): Promise<boolean> {
  return (await readPoints(client, sample)).sha256 === sample.sha256
}

/**
 * Finds series by the names of metrics, since a question that matches more than -search.maxSeries (30000) series is
 * refused, whatever its limit.
 */
async function findSeries(client: VictoriaMetricsClient, start: number, end: number): Promise<string[]> {
  const range = { start: String(start), end: String(end) }
  const names = await list<string>(client, '/api/v1/label/__name__/values', { ...range, limit: '20' })
  const selectors: string[] = []
  for (const name of names.toSorted()) {
    if (selectors.length >= mostSeries) break
    selectors.push(...(await findSeriesOf(client, name, range)))
  }
  return selectors.slice(0, mostSeries)
}

/** The selectors of the series of one metric; none where even those are too many. */
async function findSeriesOf(
  client: VictoriaMetricsClient,
  name: string,
  range: Record<string, string>,
): Promise<string[]> {
  const fields = { 'match[]': `{__name__=${JSON.stringify(name)}}`, ...range, limit: '50' }
  const series = await list<Record<string, string>>(client, '/api/v1/series', fields).catch((error) => {
    if (asBackupError(error).code !== 'DUMP_FAILED') throw error
    return []
  })
  const plain = series.filter((labels) => Object.keys(labels).every((label) => /^[A-Za-z_]\w*$/.test(label)))
  return plain.map(formatSelector).toSorted()
}

async function list<T>(client: VictoriaMetricsClient, path: string, fields: Record<string, string>): Promise<T[]> {
  return parseObject(path, await client.ask(path, fields)).data ?? []
}

/** A selector that matches exactly this series. Go and JSON quote the values of labels alike. */
const formatSelector = (labels: Record<string, string>): string =>
  `{${Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')}}`

/** The points of one series. Those of ten years take that much where none is newer than a month. */
const mostBytes = 256 * 1024 * 1024

/**
 * Reads the points by an export and not by a query, which would use a cache and hide the newest seconds. The lines are
 * sorted, because the order of the series changes.
 */
export async function readPoints(
  client: VictoriaMetricsClient,
  { start, end, selectors }: Pick<Sample, 'start' | 'end' | 'selectors'>,
) {
  const hash = createHash('sha256')
  let points = 0
  let first = Number.POSITIVE_INFINITY
  for (const selector of selectors) {
    const fields = { 'match[]': selector, start: String(start), end: String(end) }
    const lines = (await client.ask('/api/v1/export', fields, { mostBytes })).split('\n').filter((line) => line !== '')
    for (const line of lines.toSorted()) {
      const timestamps: number[] = parseObject('/api/v1/export', line).timestamps ?? []
      points += timestamps.length
      first = Math.min(first, (timestamps[0] ?? first) / 1000)
      hash.update(`${line}\n`)
    }
  }
  return { points, ...(Number.isFinite(first) && { first }), sha256: hash.digest('hex') }
}

/** The facts of a snapshot that describe the sample. */
export const factsOfSample = ({ selectors, ...sample }: Sample): Facts => ({
  sample,
  sampleSeries: Object.fromEntries(selectors.map((selector, index) => [String(index + 1), selector])),
})
