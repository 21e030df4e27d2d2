import type { ContainerFacts } from './engine.ts'
import { describeRow, isOf, type LibpodRow } from './rows.ts'

/** It holds what was inspected, by the id of the container. The longest known come first. */
export type Memory = ReadonlyMap<string, Remembered>

interface Remembered {
  facts: ContainerFacts
  /** The list said this of the container, and of those whose network it shares. */
  rows: string
}

/** Whatever shows in no row is known anew after so many calls, without 500 inspections in one of them. */
const callsPerRound = 60

/**
 * The part of the memory that holds at the time of the list: containers whose rows are the same as they were. A container that is gone, or
 * was made anew under its name, has no row by that id. Of the others, the longest known are left out too.
 */
export function recall(memory: Memory, rows: LibpodRow[]): Memory {
  const chainOf = findChains(rows, [...memory.values()])
  const younger = [...memory].slice(Math.ceil(memory.size / callsPerRound))
  return new Map(younger.filter(([id, known]) => describe(chainOf(id)) === known.rows))
}

/**
 * Adds what was inspected after a list. A container that has changed in between is left out: its next row may be like this one although its
 * facts are not, as after a short pause.
 */
export function remember(recalled: Memory, rows: LibpodRow[], inspected: ContainerFacts[]): Memory {
  const chainOf = findChains(rows, [...recalled.values(), ...inspected.map((facts) => ({ facts }))])
  const added = inspected.flatMap((facts): [string, Remembered][] => {
    const chain = chainOf(facts.id)
    const [own] = chain
    const networks = chain.at(-1)?.Networks
    const holds = facts.unreadable === undefined && own && isOf({ ...own, Networks: networks ?? [] }, facts)
    return holds ? [[facts.id, { facts, rows: describe(chain) }]] : []
  })
  return new Map([...recalled, ...added])
}

/**
 * Answers the rows of a container and of the one whose network it shares, and so on: its networks are those of the last one. None where one
 * of the rows is missing.
 */
function findChains(rows: LibpodRow[], known: { facts: ContainerFacts }[]): (id: string) => LibpodRow[] {
  const rowOf = new Map(rows.map((row) => [row.Id, row]))
  const joinsOf = new Map(known.map(({ facts }) => [facts.id, facts.joins]))
  const chainOf = (id: string): LibpodRow[] => {
    const row = rowOf.get(id)
    const joins = joinsOf.get(id)
    if (!row || joins === undefined) return row ? [row] : []
    const rest = chainOf(joins)
    return rest.length > 0 ? [row, ...rest] : []
  }
  return chainOf
}

const describe = (chain: LibpodRow[]): string => chain.map(describeRow).join('\n')
