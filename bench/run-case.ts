import type { Case, Figure } from './case.ts'
import type { World } from './world.ts'

/** What a case came to. All seconds of all rounds are kept: a median alone hides how much they differ. */
export interface Outcome {
  name: string
  against: string
  ours: number[]
  peer: number[]
  /** Median over the rounds of (ours − plusSeconds) / peer; of a figure, its value divided by its limit. */
  ratio: number
  limit: string
  isMet: boolean
}

/** Ours and the peer take turns at being the first of a round, so that what a disk or a cache does falls on both. */
export async function runCase(each: Case, world: World, rounds: number): Promise<Outcome> {
  const { name, against, atMost, plusSeconds = 0 } = each
  await using pair = await each.prepare(world)
  const seconds = { ours: [] as number[], peer: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    const turns = round % 2 === 0 ? (['peer', 'ours'] as const) : (['ours', 'peer'] as const)
    for (const turn of turns) {
      await pair.before?.(round)
      seconds[turn].push(await pair[turn](round))
    }
  }
  const ratio = median(seconds.ours.map((own, round) => (own - plusSeconds) / (seconds.peer[round] as number)))
  const limit = plusSeconds === 0 ? `${atMost}` : `${atMost} + ${plusSeconds} s`
  return { name, against, ...seconds, ratio, limit, isMet: ratio <= atMost }
}

export async function runFigure({ name, unit, atMost, measure }: Figure, world: World): Promise<Outcome> {
  const value = await measure(world)
  const ratio = value / atMost
  return { name, against: '–', ours: [value], peer: [], ratio, limit: `${atMost} ${unit}`, isMet: ratio <= 1 }
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]]
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2
}
