import type { ContainerFacts } from '../engine.ts'
import type { Holder } from '../units.ts'

/** What systemd says of a unit. */
export interface UnitFacts {
  /** The name of the unit itself, where it was asked for by an alias. */
  name: string
  /** `loaded`, `not-found`, `masked` and so on. */
  loadState: string
  /** `active`, `reloading`, `inactive`, `failed`, `activating` or `deactivating`. */
  activeState: string
  /** It is gone with its end, as what systemd-run makes. */
  transient: boolean
  canStart: boolean
  canStop: boolean
  /** The process that systemd looks after, by its number on the host; 0 without one. */
  mainPid: number
  /** How its main process ended last: its exit code, or 128 and the number of a signal, as engines tell it of containers. */
  exitStatus: number
  /** Whether a start or a stop of it is under way. */
  hasJob: boolean
  /** Units that systemd stops before it stops this one, whatever their state. */
  stoppedWith: string[]
}

/**
 * Whether a unit holds a container. A label is only a text, and that of a hostile container could name any unit: the main process of the
 * unit must be the one that Podman runs for this very container (conmon), or the container's own first process.
 */
export function judgeHolder(unit: UnitFacts, drags: string[], { processes = [] }: ContainerFacts): Holder {
  const problem = findProblem(unit, processes)
  return problem === undefined ? { unit: unit.name, drags } : { problem: `${unit.name} ${problem}` }
}

function findProblem(unit: UnitFacts, processes: number[]): string | undefined {
  if (unit.mainPid === 0 || !processes.includes(unit.mainPid)) return 'is not the unit that runs this container'
  if (unit.loadState !== 'loaded') return `could not be started again: its file is ${unit.loadState}`
  if (unit.transient) return 'could not be started again: it is a transient unit'
  if (!unit.canStop || !unit.canStart) return 'may not be stopped and started by hand'
  return undefined
}

/** Names of services, as a label may give them. */
export const isServiceName = (name: string): boolean => name.length < 256 && /^[\w:.\\@-]+\.service$/.test(name)

/** Whether a unit in this state is down, with nothing under way. */
export const isUnitDown = ({ activeState, hasJob }: Pick<UnitFacts, 'activeState' | 'hasJob'>): boolean =>
  !hasJob && (activeState === 'inactive' || activeState === 'failed')
