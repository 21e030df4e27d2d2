import { BackupError } from '../errors.ts'
import { atOnce } from '../lib/at-once.ts'
import type { Connection } from './connection.ts'
import type { ContainerFacts, Engine } from './engine.ts'
import { identify } from './identity.ts'
import { inspectContainer } from './inspect.ts'
import { type Memory, recall, remember } from './recall.ts'
import { type ListedContainer, readRows, toUnreadable } from './rows.ts'

/** More inspect calls at once would only wait in Podman, which locks a container while it works on it. */
const parallelInspects = 8

/**
 * `Engine.list` for one engine. The memory serves the calls that may recall, and no other ones. Docker's list tells no start of a
 * container, so that everything is inspected there.
 */
export function makeList(connection: Connection): Engine['list'] {
  let memory: Memory = new Map()
  return async (signal, { recalls = false } = {}) => {
    const rows = await readRows(connection, signal)
    if (!recalls || 'docker' in rows) {
      return byName(await inspectRows(connection, 'docker' in rows ? rows.docker : rows.libpod, signal))
    }
    const recalled = recall(memory, rows.libpod)
    const others = rows.libpod.filter(({ Id }) => !recalled.has(Id))
    const inspected = await inspectRows(connection, others, signal)
    memory = remember(recalled, rows.libpod, inspected)
    return byName([...[...recalled.values()].map(({ facts }) => facts), ...inspected])
  }
}

const byName = (containers: ContainerFacts[]): ContainerFacts[] =>
  containers.sort((a, b) => a.name.localeCompare(b.name, 'en'))

async function inspectRows(
  connection: Connection,
  rows: ListedContainer[],
  signal: AbortSignal,
): Promise<ContainerFacts[]> {
  const found = await atOnce(rows, parallelInspects, (row) => inspectRow(connection, row, signal))
  return found.filter((facts) => facts !== undefined)
}

/** A container that the engine refuses to inspect, or does not answer for in time, is a problem of that container alone. */
async function inspectRow(connection: Connection, row: ListedContainer, signal: AbortSignal) {
  try {
    return await inspectContainer(connection, row.Id, signal)
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof BackupError) || !['ENGINE_FAILED', 'TIMEOUT'].includes(error.code)) throw error
    const { name } = await identify(connection, signal)
    return toUnreadable(row, { engine: name, unreadable: error.message })
  }
}
