import type { ContainerFacts } from '../engine/engine.ts'
import { BackupError } from '../errors.ts'
import { awaitLock } from './hold-locks.ts'
import type { Parts } from './job.ts'
import { refOf } from './service.ts'

/** A container's address for this process, good until it is disposed. */
export interface NetworkConnection extends AsyncDisposable {
  /** IP address. */
  host: string
}

/** Another run that joined the network may need it for a whole upload. */
const networkWaitSeconds = 4 * 3600

/**
 * The container's address on a network that the controller's own container is on too; where it shares none, it joins one of the
 * container's and leaves it at the end, which is an intent. Runs that need the same foreign network take turns.
 */
export async function joinNetwork(parts: Parts, id: string, signal: AbortSignal): Promise<NetworkConnection> {
  const container = await mustInspect(parts, id, signal)
  const { selfId } = parts.settings
  if (selfId === undefined) return staying(addressOf(container))
  const self = await mustInspect(parts, selfId, signal)
  const shared = container.networks.find(
    ({ name, address }) => address && self.networks.some((own) => own.name === name),
  )
  if (shared?.address) return staying(shared.address)

  const network = container.networks.find(({ address }) => address)
  if (!network?.address) throw unreachable(container)
  const lock = await awaitLock(parts, [`network:${network.name}`], 'a run that has joined it', {
    what: `network ${network.name} to be free`,
    seconds: networkWaitSeconds,
    signal,
  })
  const intent = parts.catalog.addIntent({ kind: 'leave-network', network: network.name, container: refOf(self) })
  const leave = async () => {
    await parts.engine.disconnectNetwork(network.name, selfId, new AbortController().signal)
    parts.catalog.dropIntent(intent)
    lock[Symbol.dispose]()
  }
  try {
    await parts.engine.connectNetwork(network.name, selfId, signal)
    return { host: network.address, [Symbol.asyncDispose]: leave }
  } catch (error) {
    await leave()
    throw error
  }
}

async function mustInspect(parts: Parts, id: string, signal: AbortSignal): Promise<ContainerFacts> {
  const facts = await parts.engine.inspect(id, signal)
  if (facts) return facts
  throw new BackupError('NO_SUCH_CONTAINER', `container ${id} is gone`)
}

const staying = (host: string): NetworkConnection => ({ host, [Symbol.asyncDispose]: async () => {} })

/** Outside a container: the host reaches the addresses of its own bridges; `host` networks are this very machine. */
function addressOf(container: ContainerFacts): string {
  const address = container.networks.find((network) => network.address)?.address
  if (address) return address
  if (container.networks.some(({ name }) => name === 'host')) return '127.0.0.1'
  throw unreachable(container)
}

function unreachable(container: ContainerFacts): BackupError {
  const hint = 'Put the service and the controller on one network of the compose file.'
  return new BackupError('SERVICE_DOWN', `${container.name} has no address on any network`, { hint })
}
