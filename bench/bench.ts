/**
 * bench.ts [--pairs N] [--scale X] [--json FILE] [CASE…]: measures this program beside the programs that one would use by hand, and prints
 * a table. Both sides of a case take turns in one run, so that their ratio means something on any machine. A name of a case may be the
 * beginning of several. `--scale 0.05` makes the data smaller, to try a case; the limits are meant for 1.
 */
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { archiveCases } from './cases/archive.ts'
import { controllerFigures } from './cases/controller.ts'
import { memoryFigures } from './cases/memory.ts'
import { postgresCases } from './cases/postgres.ts'
import { replicateCases } from './cases/replicate.ts'
import { resticCases } from './cases/restic.ts'
import { stopCases } from './cases/stop.ts'
import { printTable } from './print-table.ts'
import { median, type Outcome, runCase, runFigure } from './run-case.ts'
import { makeWorld } from './world.ts'

const cases = [...archiveCases, ...resticCases, ...postgresCases, ...replicateCases, ...stopCases]
const figures = [...controllerFigures, ...memoryFigures]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pairs: { type: 'string' }, scale: { type: 'string' }, json: { type: 'string' } },
})
const isWanted = ({ name }: { name: string }) =>
  positionals.length === 0 || positionals.some((start) => name.startsWith(start))
const pairs = Number(values.pairs ?? 5)
const scale = Number(values.scale ?? 1)

const outcomes: Outcome[] = []
{
  await using world = await makeWorld(scale)
  for (const each of cases.filter(isWanted)) note(await runCase(each, world, pairs))
  for (const each of figures.filter(isWanted)) note(await runFigure(each, world))
}
if (outcomes.length === 0)
  throw new Error(`no such case; there are ${[...cases, ...figures].map(({ name }) => name).join(', ')}`)

const head = ['CASE', 'AGAINST', 'PEER (s)', 'OURS', 'RATIO', 'AT MOST', 'MET']
printTable(head, outcomes.map(row))
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report(), null, 2)}\n`)

/** A run takes long: what is known is said at once. */
function note(outcome: Outcome): void {
  outcomes.push(outcome)
  console.error(row(outcome).join('  '))
}

function row({ name, against, peer, ours, ratio, limit, isMet }: Outcome): string[] {
  const peers = peer.length === 0 ? '–' : median(peer).toFixed(2)
  return [name, against, peers, median(ours).toFixed(2), ratio.toFixed(2), limit, isMet ? 'yes' : 'no']
}

function report() {
  const machine = { processors: cpus().length, model: cpus()[0]?.model, memoryBytes: totalmem(), node: process.version }
  return { time: new Date().toISOString(), machine, pairs, scale, outcomes }
}
