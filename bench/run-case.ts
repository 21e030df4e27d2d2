import type { Case, Figure } from './case.ts'
import type { Cost } from './meter.ts'
import type { World } from './world.ts'

/** What a case came to. What all rounds took is kept: a median alone hides how much they differ. */
export interface Outcome {
  name: string
  against: string
  ours: Cost[]
  peer: Cost[]
  /** Median over the rounds of (ours − plusSeconds) / peer; of a figure, its value divided by its limit. NaN where the case failed. */
  ratio: number
  limit: string
  isMet: boolean
  /** Why it has no result. */
  failure?: string
  /** From the beginning of the case to its end, with the making of its data. */
  tookSeconds: number
}

/** One work after the other must not write to the disk what the one before it has left in memory. */
const settle = (world: World) => world.shell(`sync -f ${world.lab.dir}`)

/** A failure is an outcome too: the cases after it have their own. */
export async function outcomeOf(each: Case | Figure, world: World, rounds: number): Promise<Outcome> {
  const began = performance.now()
  const took = () => ({ tookSeconds: (performance.now() - began) / 1000 })
  try {
    return { ...('prepare' in each ? await runCase(each, world, rounds) : await runFigure(each, world)), ...took() }
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const nothing = { against: '–', ours: [], peer: [], ratio: Number.NaN, isMet: false, failure }
    return { ...nothing, name: each.name, limit: `${each.atMost}`, ...took() }
  }
}

type Result = Omit<Outcome, 'tookSeconds'>

/** Ours and the peer take turns at being the first of a round, so that what a disk or a cache does falls on both. */
async function runCase(each: Case, world: World, rounds: number): Promise<Result> {
  const { name, against, atMost, plusSeconds = 0 } = each
  await using pair = await each.prepare(world)
  const costs = { ours: [] as Cost[], peer: [] as Cost[] }
  for (let round = 0; round < rounds; round++) {
    const turns = round % 2 === 0 ? (['peer', 'ours'] as const) : (['ours', 'peer'] as const)
    for (const turn of turns) {
      await pair.before?.(round)
      await settle(world)
      costs[turn].push(await pair[turn](round))
    }
  }
  const ratios = costs.ours.map(({ seconds }, round) => (seconds - plusSeconds) / (costs.peer[round] as Cost).seconds)
  const ratio = median(ratios)
  const limit = plusSeconds === 0 ? `${atMost}` : `${atMost} + ${plusSeconds} s`
  return { name, against, ...costs, ratio, limit, isMet: ratio <= atMost }
}

async function runFigure({ name, unit, atMost, measure }: Figure, world: World): Promise<Result> {
  const value = await measure(world)
  const ratio = value / atMost
  const ours = [{ seconds: value }]
  return { name, against: '–', ours, peer: [], ratio, limit: `${atMost} ${unit}`, isMet: ratio <= 1 }
}

/** NaN of nothing. */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]]
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2
}
