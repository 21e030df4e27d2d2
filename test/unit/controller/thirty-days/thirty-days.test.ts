import { expect, test } from 'vitest'
import { prune } from '../../../../src/job/prune.ts'
import type { MetricsView } from '../../../../src/metrics/view.ts'
import { parseAddress } from '../../../../src/notify/address.ts'
import type { Tier } from '../../../../src/repository/repository.ts'
import { httpSink } from '../../../support/sinks.ts'
import { service } from '../launch.ts'
import { type Machine, startMachine } from './machine.ts'
import { at, spansOf } from './month.ts'
import { renderMessages, renderScrapes } from './render.ts'

const policies = { 'retention.local': 'daily=7d,weekly=21d', 'retention.remote': 'daily=10d,weekly=90d' }
/** The drill of the files comes once a month, and its proof is outdated before the next one. */
const stack = [service('db', policies), service('files', { ...policies, drill: '0 5 6 * *', 'drill-max-age': '10d' })]
/** After nothing but backups, a drill that failed, a failed backup, and at the end. */
const scrapedAt = [at(2, '04:03'), at(13, '09:06'), at(22, '02:03'), at(30, '04:03')].map(Number)

test('thirty days with nights off, drills, failures and a remote repository that is away: snapshots, messages and metrics are those of the golden files', async () => {
  const { host, received } = await httpSink()
  const parsed = parseAddress(`info=http://${host}/hook`)
  if (!('value' in parsed)) throw new Error(parsed.reason)
  const machine = startMachine(stack, [parsed.value])
  const scrapes: MetricsView[] = []
  await machine.runUntil(at(1, '00:03'))
  for (const [from, to] of spansOf(30)) {
    await machine.sleepUntil(from)
    const scrape = await machine.runUntil(to)
    if (scrapedAt.includes(Number(to))) scrapes.push(scrape)
  }
  await expect(await listKept(machine)).toMatchFileSnapshot('snapshots.golden.txt')
  await expect(renderMessages(received)).toMatchFileSnapshot('messages.golden.txt')
  await expect(await renderScrapes(scrapes)).toMatchFileSnapshot('metrics.golden.txt')
})

/** Every snapshot with the reasons why it is kept. Nothing may be left to remove. */
async function listKept({ parts }: Machine): Promise<string> {
  const tiers: Tier[] = ['local', 'remote']
  const pruned = await prune(parts, { tiers, all: false, dryRun: true }, new AbortController().signal)
  expect(pruned.flatMap(({ remove, error }) => [...remove, ...(error ? [error] : [])])).toEqual([])
  const lines = pruned.flatMap(({ tier, keep }) =>
    keep.map(({ snapshot: { target, time }, reasons }) => `${tier} ${target} ${time}: ${reasons.join('; ')}\n`),
  )
  return lines.join('')
}
