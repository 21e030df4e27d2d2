import { readFile } from 'node:fs/promises'
import { networkLock } from '../catalog/keys.ts'
import type { ContainerFacts } from '../engine/engine.ts'
import { BackupError } from '../errors.ts'
import { awaitLock } from './hold-locks.ts'
import { findHostAddress } from './host-address.ts'
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
 * that need the same foreign network wait for each other. A container on the host's own network has the host's address.
 */
export async function joinNetwork(parts: Parts, id: string, signal: AbortSignal): Promise<NetworkConnection> {
  const container = await inspectNetworkOwner(parts, id, signal)
  const { selfId } = parts.settings
  const self = selfId === undefined ? undefined : await mustInspect(parts, selfId, signal)
  if (container.onHostNetwork) return keepNetworks(await hostAddress(self, container))
  // The bridges of the host lead to all its containers.
  if (selfId === undefined || !self || self.onHostNetwork) return keepNetworks(addressOf(container))
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

/** The container whose network it is: one that joins the network of another has no address of its own in Docker's answer. */
async function inspectNetworkOwner(parts: Parts, id: string, signal: AbortSignal): Promise<ContainerFacts> {
  const facts = await mustInspect(parts, id, signal)
  if (facts.joins === undefined || facts.networks.some(({ address }) => address)) return facts
  return inspectNetworkOwner(parts, facts.joins, signal)
}

const keepNetworks = (host: string): NetworkConnection => ({ host, [Symbol.asyncDispose]: async () => {} })

function addressOf(container: ContainerFacts): string {
  const address = container.networks.find((network) => network.address)?.address
  if (address) return address
  throw unreachable(container)
}

async function hostAddress(self: ContainerFacts | undefined, container: ContainerFacts): Promise<string> {
  const address = findHostAddress(self, await readFile('/etc/hosts', 'utf8').catch(() => ''))
  if (address) return address
  const hint = 'Give the controller `extra_hosts: ["host.docker.internal:host-gateway"]`, or a network with a gateway.'
  throw new BackupError('SERVICE_DOWN', `${container.name} is on the host's network, whose address is not known`, {
    hint,
  })
}

function unreachable(container: ContainerFacts): BackupError {
  const hint = 'Put the service and the controller on one network of the compose file.'
  return new BackupError('SERVICE_DOWN', `${container.name} has no address on any network`, { hint })
}
