/**
 * bench.ts [--pairs N] [--scale X] [--json FILE] [CASE…]: measures this program beside the programs that one would use by hand, and prints
 * a table. Both sides of a case take turns in one run, so that their ratio means something on any machine. A name of a case may be the
 * beginning of several. `--scale 0.05` makes the data smaller, to try a case; the limits are meant for 1. Each row is printed, and FILE
 * written anew, as soon as a case has ended. A case that fails keeps the others from nothing, and makes the exit code 1.
 */
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { buildProgram } from '../scripts/build/build.ts'
import { archiveCases } from './cases/archive.ts'
import { controllerFigures } from './cases/controller.ts'
import { memoryFigures } from './cases/memory.ts'
import { pageCases } from './cases/page.ts'
import { postgresCases } from './cases/postgres.ts'
import { replicateCases } from './cases/replicate.ts'
import { resticCases } from './cases/restic.ts'
import { stopCases } from './cases/stop.ts'
import { printTable } from './print-table.ts'
import { median, type Outcome, outcomeOf } from './run-case.ts'
import { makeWorld } from './world.ts'

const cases = [...archiveCases, ...resticCases, ...postgresCases, ...replicateCases, ...stopCases, ...pageCases]
const figures = [...controllerFigures, ...memoryFigures]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pairs: { type: 'string' }, scale: { type: 'string' }, json: { type: 'string' } },
})
const isWanted = ({ name }: { name: string }) =>
  positionals.length === 0 || positionals.some((start) => name.startsWith(start))
const pairs = Number(values.pairs ?? 5)
const scale = Number(values.scale ?? 1)

const wanted = [...cases, ...figures].filter(isWanted)
if (wanted.length === 0)
  throw new Error(`no such case; there are ${[...cases, ...figures].map(({ name }) => name).join(', ')}`)

const head = [
  'CASE',
  'AGAINST',
  'PEER (s)',
  'OURS',
  'RATIO',
  'AT MOST',
  'MET',
  'PEER CPU (s)',
  'OUR CPU (s)',
  'TOOK (s)',
]
await buildProgram()
const outcomes: Outcome[] = []
{
  await using world = await makeWorld(scale)
  for (const each of wanted) note(await outcomeOf(each, world, pairs))
  printTable(head, outcomes.map(row))
}
if (outcomes.some(({ failure }) => failure !== undefined)) process.exitCode = 1

function note(outcome: Outcome): void {
  outcomes.push(outcome)
  console.error([...row(outcome), ...(outcome.failure === undefined ? [] : [outcome.failure])].join('  '))
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report(), null, 2)}\n`)
}

function row({ name, against, peer, ours, ratio, limit, isMet, failure, tookSeconds }: Outcome): string[] {
  const met = failure === undefined ? (isMet ? 'yes' : 'no') : 'failed'
  const figures = [middle(peer.map(({ seconds }) => seconds)), middle(ours.map(({ seconds }) => seconds))]
  const processor = [peer, ours].map((costs) =>
    middle(costs.map(({ processorSeconds = Number.NaN }) => processorSeconds)),
  )
  return [name, against, ...figures, middle([ratio]), limit, met, ...processor, tookSeconds.toFixed(0)]
}

function middle(values: number[]): string {
  const value = median(values)
  return Number.isNaN(value) ? '–' : value.toFixed(2)
}

function report() {
  const machine = { processors: cpus().length, model: cpus()[0]?.model, memoryBytes: totalmem(), node: process.version }
  return { time: new Date().toISOString(), machine, pairs, scale, outcomes }
}
