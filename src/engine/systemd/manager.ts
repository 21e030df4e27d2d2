import { asBackupError, BackupError } from '../../errors.ts'
import { BusRefusal, connectBus } from '../../lib/dbus/connection.ts'
import type { Value } from '../../lib/dbus/message.ts'
import type { UnitFacts } from './judge-holder.ts'

/** The socket of a bus, or the manager's own (`systemd/private`), on which it listens without a bus. */
export interface ManagerAddress {
  path: string
  isBus: boolean
}

/** One systemd: that of the system, or that of a user. */
export interface Manager extends Disposable {
  /** Undefined where the manager has not loaded the unit. `load` makes it load the unit's file. */
  unit(name: string, load: boolean): Promise<UnitFacts | undefined>
  /** Asks for the end or the start of a unit, and answers at once. */
  request(act: 'StopUnit' | 'StartUnit', name: string): Promise<void>
}

const systemd = 'org.freedesktop.systemd1'
const properties = 'org.freedesktop.DBus.Properties'

/** Connects to a manager. Errors of its calls are UNIT_FAILED, and name its socket. */
export async function connectManager({ path, isBus }: ManagerAddress, signal: AbortSignal): Promise<Manager> {
  const bus = await explained(path, signal, () => connectBus(path, isBus, signal))
  const ask = (object: string, service: string, member: string, args: string[]) =>
    bus.call({ ...(isBus && { destination: systemd }), path: object, interface: service, member, args }, signal)
  const manage = (member: string, ...args: string[]) =>
    ask('/org/freedesktop/systemd1', `${systemd}.Manager`, member, args)
  const readAll = async (object: string, kind: 'Unit' | 'Service') => {
    const [entries] = await ask(object, properties, 'GetAll', [`${systemd}.${kind}`])
    return new Map(entries as [string, Value][])
  }
  return {
    unit: (name, load) =>
      explained(path, signal, async () => {
        const object = await manage(load ? 'LoadUnit' : 'GetUnit', name).catch(forgiveUnloaded)
        if (object === undefined) return undefined
        const own = await readAll(String(object[0]), 'Unit')
        const isService = String(own.get('Id')).endsWith('.service')
        return toUnit(own, isService ? await readAll(String(object[0]), 'Service') : new Map())
      }),
    request: (act, name) => explained(path, signal, async () => void (await manage(act, name, 'replace'))),
    [Symbol.dispose]: () => bus[Symbol.dispose](),
  }
}

function forgiveUnloaded(error: unknown): undefined {
  if (error instanceof BusRefusal && error.errorName === `${systemd}.NoSuchUnit`) return undefined
  throw error
}

async function explained<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    signal.throwIfAborted()
    throw new BackupError('UNIT_FAILED', `systemd at ${path}: ${asBackupError(cause).message}`, { cause })
  }
}

/** The relations by which systemd stops other units together with a unit. */
const draggedBy = ['RequiredBy', 'RequisiteOf', 'BoundBy', 'ConsistsOf', 'PropagatesStopTo']

/** What systemd calls a process that ended by a signal, without and with a core dump: its status is the number of the signal. */
const endedBySignal = [2, 3]

function toExitStatus(service: Map<string, Value>): number {
  const status = Number(service.get('ExecMainStatus') ?? 0)
  return endedBySignal.includes(Number(service.get('ExecMainCode'))) ? 128 + status : status
}

function toUnit(unit: Map<string, Value>, service: Map<string, Value>): UnitFacts {
  const [job] = (unit.get('Job') as Value[] | undefined) ?? []
  return {
    name: String(unit.get('Id')),
    loadState: String(unit.get('LoadState')),
    activeState: String(unit.get('ActiveState')),
    transient: unit.get('Transient') === true,
    canStart: unit.get('CanStart') === true,
    canStop: unit.get('CanStop') === true,
    hasJob: job !== undefined && job !== 0,
    mainPid: Number(service.get('MainPID') ?? 0),
    exitStatus: toExitStatus(service),
    stoppedWith: draggedBy.flatMap((name) => ((unit.get(name) as Value[] | undefined) ?? []).map(String)),
  }
}
