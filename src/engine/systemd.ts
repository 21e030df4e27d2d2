import { existsSync } from 'node:fs'
import { asBackupError, BackupError } from '../errors.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { poll } from '../lib/deadline.ts'
import type { ContainerFacts } from './engine.ts'
import { isServiceName, isUnitDown, judgeHolder, type UnitFacts } from './systemd/judge-holder.ts'
import { connectManager, type Manager, type ManagerAddress } from './systemd/manager.ts'
import type { Holder, Units } from './units.ts'

/** The sockets of one manager, of which the first that exists is used. */
export type ManagerSockets = ManagerAddress[]

/** A unit may have several commands to stop it, each with a time limit of its own, 90 s by default. */
const stopSeconds = 900

/**
 * systemd over D-Bus: the manager of the system and that of a user, each as far as its socket is in reach. Sockets are looked for at each
 * call, because a bus may come and go.
 */
export function connectUnits(managers: ManagerSockets[], clock: Clock = systemClock): Units {
  const reachable = () => managers.flatMap((sockets) => sockets.find(({ path }) => existsSync(path)) ?? [])
  return {
    holderOf: async (container, signal) => {
      const addresses = reachable()
      if (addresses.length === 0) return undefined
      try {
        using open = new DisposableStack()
        return (await findHolder(open, addresses, container, signal)).holder
      } catch (error) {
        signal.throwIfAborted()
        return { problem: asBackupError(error).message }
      }
    },
    stop: async (container, signal) => {
      using open = new DisposableStack()
      const { holder, manager } = await findHolder(open, reachable(), container, signal)
      refuseOther(container, holder)
      await manager?.request('StopUnit', container.unit)
      const ended = async () => {
        const unit = await manager?.unit(container.unit, true)
        return unit && isUnitDown(unit) && unit
      }
      const wait = { what: `${container.unit} to stop`, seconds: stopSeconds, everyMs: 100, clock, signal }
      return { killed: (await poll(ended, wait)).exitStatus === sigkillStatus }
    },
    start: async (name, seconds, signal) => {
      using open = new DisposableStack()
      const manager = await findStartable(open, reachable(), name, signal)
      await manager.request('StartUnit', name)
      const started = async () => isStarted(await manager.unit(name, true), name)
      await poll(started, { what: `${name} to start`, seconds, everyMs: 100, clock, signal })
    },
  }
}

/** conmon ends with the code of its container, whose own first process ends by the signal. */
const sigkillStatus = 137

/** The manager, for more questions, is absent where none runs the unit. `open` takes over the connections. */
async function findHolder(
  open: DisposableStack,
  addresses: ManagerAddress[],
  container: ContainerFacts,
  signal: AbortSignal,
): Promise<{ holder: Holder; manager?: Manager }> {
  const { systemdUnit: name = '' } = container
  if (!isServiceName(name)) return { holder: { problem: `${name} is no name of a service` } }
  const [only, ...others] = await findUnits(open, addresses, name, { load: false, signal })
  if (!only) return { holder: { problem: `systemd does not run ${name}` } }
  if (others.length > 0) return { holder: { problem: `${name} is a unit of the system and one of the user` } }
  const { manager, unit } = only
  return { holder: judgeHolder(unit, await activeOf(manager, unit.stoppedWith), container), manager }
}

async function activeOf(manager: Manager, names: string[]): Promise<string[]> {
  const active: string[] = []
  for (const name of new Set(names)) {
    const unit = await manager.unit(name, false)
    if (unit && !isUnitDown(unit)) active.push(unit.name)
  }
  return active
}

/** What depends on the unit was to be stopped before it, so that it can be started again. */
function refuseOther({ name, unit }: ContainerFacts & { unit: string }, holder: Holder): void {
  const refuse = (message: string) => {
    throw new BackupError('UNIT_FAILED', message, { hint: `Nothing was stopped. Look at systemctl status ${unit}.` })
  }
  if ('problem' in holder) refuse(`${name} was not stopped: ${holder.problem}`)
  else if (holder.unit !== unit) refuse(`${name} is held by ${holder.unit}, not by ${unit}`)
  else if (holder.drags.length > 0) refuse(`a stop of ${unit} would also stop ${holder.drags.join(', ')}`)
}

async function findStartable(
  open: DisposableStack,
  addresses: ManagerAddress[],
  name: string,
  signal: AbortSignal,
): Promise<Manager> {
  if (addresses.length === 0) {
    const hint = 'Bind the socket of systemd into the controller again, or start the unit by hand.'
    throw new BackupError('UNIT_FAILED', `no systemd is in reach to start ${name}`, { hint })
  }
  const [found] = await findUnits(open, addresses, name, { load: true, signal })
  if (found) return found.manager
  throw new BackupError('NO_SUCH_CONTAINER', `systemd has no unit ${name} any more`)
}

/**
 * The managers that know a unit, each with what it says of it. All are asked: if two had a unit of one name, it would be uncertain which
 * to start later. One that does not answer hides no other, and is an error only where none knows the unit.
 */
async function findUnits(
  open: DisposableStack,
  addresses: ManagerAddress[],
  name: string,
  { load, signal }: { load: boolean; signal: AbortSignal },
): Promise<{ manager: Manager; unit: UnitFacts }[]> {
  const found: { manager: Manager; unit: UnitFacts }[] = []
  const failures: unknown[] = []
  for (const address of addresses) {
    try {
      const manager = open.use(await connectManager(address, signal))
      const unit = await manager.unit(name, load)
      if (unit && unit.loadState !== 'not-found') found.push({ manager, unit })
    } catch (error) {
      signal.throwIfAborted()
      failures.push(error)
    }
  }
  if (found.length === 0 && failures.length > 0) throw failures[0]
  return found
}

function isStarted(unit: UnitFacts | undefined, name: string): boolean {
  if (unit?.activeState === 'active' && !unit.hasJob) return true
  if (unit && !isUnitDown(unit)) return false
  const hint = `Look at systemctl status ${name} and journalctl -u ${name}.`
  throw new BackupError('UNIT_FAILED', `${name} did not start: it is ${unit?.activeState ?? 'gone'}`, { hint })
}
