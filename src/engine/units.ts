import type { ContainerFacts, Engine } from './engine.ts'

/** systemd, as far as it runs containers: a Quadlet is a unit, and its container comes and goes with every start. */
export interface Units {
  /**
   * The unit that holds a container of which the engine knows a label only. Undefined where no systemd is in reach. It never rejects but
   * for an abort: what is wrong is a problem of that container.
   */
  holderOf(container: ContainerFacts, signal: AbortSignal): Promise<Holder | undefined>
  /**
   * Stops the unit of a container, and waits for its end. What the unit holds is looked at once more right before. `killed` says that
   * the container ended by SIGKILL. Throws UNIT_FAILED, with nothing stopped, where the unit does not hold that very container.
   */
  stop(container: ContainerFacts & { unit: string }, signal: AbortSignal): Promise<{ killed: boolean }>
  /**
   * Starts a unit and waits until systemd calls it active. An active one is a success. Throws NO_SUCH_CONTAINER where there is no such
   * unit any more, and UNIT_FAILED.
   */
  start(unit: string, seconds: number, signal: AbortSignal): Promise<void>
}

/** `drags`: names of the units that systemd would stop together with this one. */
export type Holder = { unit: string; drags: string[] } | { problem: string }

type Held = { facts: ContainerFacts; holder: Holder | undefined }

/** The engine, whose answers also say which unit holds a container that would not survive a stop by the engine. */
export function knowingUnits(engine: Engine, units: Units): Engine {
  const find = async (facts: ContainerFacts, signal: AbortSignal): Promise<Held> => ({
    facts,
    holder: isCandidate(facts) ? await units.holderOf(facts, signal) : undefined,
  })
  return {
    ...engine,
    list: async (signal, options) => {
      const containers = await engine.list(signal, options)
      return joinHolders(await Promise.all(containers.map((facts) => find(facts, signal))))
    },
    inspect: async (id, signal) => {
      const facts = await engine.inspect(id, signal)
      return facts && noteHolder(await find(facts, signal))
    },
  }
}

/** Each question goes to systemd, and containers that stay after a stop need none. */
const isCandidate = ({ autoRemove, systemdUnit, state }: ContainerFacts): boolean =>
  autoRemove === true && systemdUnit !== undefined && ['running', 'paused', 'stopping'].includes(state)

/**
 * Adds the holders. A unit that is stopped together with another one needs it: its container requires that of the other. A unit that would
 * be stopped too and holds no container that is known here could not be started again, so that the other is not stopped either.
 */
export function joinHolders(held: Held[]): ContainerFacts[] {
  const idOf = new Map(held.flatMap(({ facts, holder }) => (isUnit(holder) ? [[holder.unit, facts.id]] : [])))
  const needs = (name: string) =>
    held.flatMap(({ facts, holder }) => (isUnit(holder) && holder.drags.includes(name) ? [facts.id] : []))
  return held.map(({ facts, holder }) => {
    if (!isUnit(holder)) return noteHolder({ facts, holder })
    const strangers = holder.drags.filter((name) => !idOf.has(name))
    if (strangers.length > 0) {
      const problem = `a stop of ${holder.unit} would also stop ${strangers.join(', ')}, which is no container`
      return noteHolder({ facts, holder: { problem } })
    }
    return { ...facts, unit: holder.unit, requires: [...new Set([...facts.requires, ...needs(holder.unit)])] }
  })
}

const isUnit = (holder: Holder | undefined) => holder !== undefined && 'unit' in holder

function noteHolder({ facts, holder }: Held): ContainerFacts {
  if (!holder) return facts
  return 'unit' in holder ? { ...facts, unit: holder.unit } : { ...facts, unitProblem: holder.problem }
}
