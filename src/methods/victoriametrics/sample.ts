import { createHash } from 'node:crypto'
import { asBackupError, BackupError } from '../../errors.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Check, MethodContext } from '../method.ts'
import { parseObject, type Server } from './server.ts'

/** Raw points of a few series in a fixed past: what the same question must answer for ever. */
export interface Sample {
  /** Unix seconds. */
  start: number
  end: number
  selectors: string[]
  points: number
  sha256: string
}

export async function countSeries(server: Server): Promise<number> {
  const path = '/api/v1/series/count'
  const count = Number(parseObject(path, await server.ask(path)).data?.[0])
  if (Number.isInteger(count)) return count
  throw new BackupError('DUMP_FAILED', `${path}: no number in the answer`)
}

const day = 86_400
/** The newest data may still be on its way, and instant queries hide its last 30 seconds. */
const restSeconds = 60
const mostSeries = 3

/** Undefined where there is no data at all, or none that can be asked for. */
export async function takeSample(ctx: MethodContext, server: Server): Promise<Sample | undefined> {
  const end = Math.floor(ctx.clock.now().getTime() / 1000) - restSeconds
  for (const days of [1, 30, 3650]) {
    const start = Math.max(0, end - days * day)
    const selectors = await findSeries(server, start, end)
    if (selectors.length > 0) return { start, end, selectors, ...(await readPoints(server, { start, end, selectors })) }
  }
  return undefined
}

/** Points of then that came in meanwhile change the answer. */
export async function isStill(server: Server, sample: Sample): Promise<boolean> {
  return (await readPoints(server, sample)).sha256 === sample.sha256
}

/** By the names of metrics: a question that matches more than -search.maxSeries (30000) series is refused, whatever its limit. */
async function findSeries(server: Server, start: number, end: number): Promise<string[]> {
  const range = { start: String(start), end: String(end) }
  const names = await list<string>(server, '/api/v1/label/__name__/values', { ...range, limit: '20' })
  const selectors: string[] = []
  for (const name of names.toSorted()) {
    if (selectors.length >= mostSeries) break
    selectors.push(...(await findSeriesOf(server, name, range)))
  }
  return selectors.slice(0, mostSeries)
}

/** None where even those of one metric are too many. */
async function findSeriesOf(server: Server, name: string, range: Record<string, string>): Promise<string[]> {
  const fields = { 'match[]': `{__name__=${JSON.stringify(name)}}`, ...range, limit: '50' }
  const series = await list<Record<string, string>>(server, '/api/v1/series', fields).catch((error) => {
    if (asBackupError(error).code !== 'DUMP_FAILED') throw error
    return []
  })
  const plain = series.filter((labels) => Object.keys(labels).every((label) => /^[A-Za-z_]\w*$/.test(label)))
  return plain.map(formatSelector).toSorted()
}

async function list<T>(server: Server, path: string, fields: Record<string, string>): Promise<T[]> {
  return parseObject(path, await server.ask(path, fields)).data ?? []
}

/** Go and JSON quote alike what labels hold. */
const formatSelector = (labels: Record<string, string>): string =>
  `{${Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')}}`

/** Export and not a query: raw points, no cache, no hidden seconds. The order of the series is the server's whim. */
async function readPoints(server: Server, { start, end, selectors }: Pick<Sample, 'start' | 'end' | 'selectors'>) {
  const hash = createHash('sha256')
  let points = 0
  for (const selector of selectors) {
    const fields = { 'match[]': selector, start: String(start), end: String(end) }
    const lines = (await server.ask('/api/v1/export', fields)).split('\n').filter((line) => line !== '')
    for (const line of lines.toSorted()) {
      points += parseObject('/api/v1/export', line).timestamps?.length ?? 0
      hash.update(`${line}\n`)
    }
  }
  return { points, sha256: hash.digest('hex') }
}

export const factsOfSample = ({ start, end, selectors, points, sha256 }: Sample): Facts => ({
  sample: { start, end, points, sha256 },
  sampleSeries: Object.fromEntries(selectors.map((selector, index) => [String(index + 1), selector])),
})

/** More series than then are no fault: a server that scrapes adds some at once. */
export async function compareFacts(server: Server, facts: Facts): Promise<Check[]> {
  const least = Number(facts.seriesLeast)
  const series = await countSeries(server)
  const checks = [{ name: 'series', expected: `at least ${least}`, actual: String(series), ok: series >= least }]
  const sample = facts.sample as Sample | undefined
  if (!sample) return checks
  const selectors = Object.values(facts.sampleSeries ?? {}).map(String)
  const now = await readPoints(server, { start: sample.start, end: sample.end, selectors })
  const say = ({ points, sha256 }: { points: number; sha256: string }) => `${points} points, ${sha256.slice(0, 16)}`
  const ok = now.sha256 === sample.sha256
  return [...checks, { name: `sample of ${selectors.length} series`, expected: say(sample), actual: say(now), ok }]
}
