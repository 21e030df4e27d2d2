import { networkLock } from '../catalog/keys.ts'
import type { ContainerFacts } from '../engine/engine.ts'
import { BackupError } from '../errors.ts'
import { awaitLock } from './hold-locks.ts'
import type { Parts } from './job.ts'
import { refOf } from './service.ts'
import { abandonIntent, dropIntent } from './settle-intent.ts'

/** The address of a container for this process. It is valid until it is disposed. */
export interface NetworkConnection extends AsyncDisposable {
  /** IP address. */
  host: string
}

/** How long another run may need a network that it joined, for instance for a whole upload. */
const networkWaitSeconds = 4 * 3600

/**
 * Finds the address of a container on a network that the controller's own container is on too. Where they share none, the
 * controller joins a network of the container and leaves it when the connection is disposed; an intent is recorded before. Runs
 * that need the same foreign network wait for each other.
 */
export async function joinNetwork(parts: Parts, id: string, signal: AbortSignal): Promise<NetworkConnection> {
  const container = await mustInspect(parts, id, signal)
  const { selfId } = parts.settings
  if (selfId === undefined) return keepNetworks(addressOf(container))
  const self = await mustInspect(parts, selfId, signal)
  const addressed = container.networks.flatMap(({ name, address }) => (address ? [{ name, address }] : []))
  const shared = addressed.find(({ name }) => isOn(self, name) && !isJoinedByRun(parts, name))
  if (shared) return keepNetworks(shared.address)

  const [network] = addressed
  if (!network) throw unreachable(container)
  const lock = await awaitLock(parts, [networkLock(network.name)], 'a run that has joined it', {
    what: `network ${network.name} to be free`,
    seconds: networkWaitSeconds,
    signal,
  })
  const intent = parts.catalog.addIntent({ kind: 'leave-network', network: network.name, container: refOf(self) })
  const leave = async () => {
    try {
      await parts.engine.disconnectNetwork(network.name, selfId, new AbortController().signal)
      dropIntent(parts, intent)
    } catch (error) {
      abandonIntent(parts, intent)
      throw error
    } finally {
      lock[Symbol.dispose]()
    }
  }
  try {
    await parts.engine.connectNetwork(network.name, selfId, signal)
    return { host: network.address, [Symbol.asyncDispose]: leave }
  } catch (error) {
    await leave()
    throw error
  }
}

const isOn = (container: ContainerFacts, network: string): boolean =>
  container.networks.some(({ name }) => name === network)

/** Whether a run has joined the network for its own time only: it leaves it when it is done. */
const isJoinedByRun = ({ catalog }: Parts, network: string): boolean =>
  catalog.holders().some(({ key }) => key.kind === 'network' && key.name === network) ||
  catalog.intents().some((intent) => intent.kind === 'leave-network' && intent.network === network)

async function mustInspect(parts: Parts, id: string, signal: AbortSignal): Promise<ContainerFacts> {
  const facts = await parts.engine.inspect(id, signal)
  if (facts) return facts
  throw new BackupError('NO_SUCH_CONTAINER', `container ${id} is gone`)
}

const keepNetworks = (host: string): NetworkConnection => ({ host, [Symbol.asyncDispose]: async () => {} })

/**
 * Outside a container this process can connect to the addresses of the host's bridges. A `host` network is this machine itself.
 */
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
