import { text } from 'node:stream/consumers'
import type { TargetSpec } from '../../labels/spec.ts'
import type { FactValue } from '../../repository/repository.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { refuseRestore } from '../shared/refuse.ts'
import { refuseFullServer } from '../shared/room.ts'
import { refuseInitialising } from '../shared/starting.ts'
import { formatSeries, isOlder, parseVersion } from '../shared/version.ts'
import { refuseMissingPlugins } from './account-plugins.ts'
import { parseAccounts, replaceable } from './accounts.ts'
import { accountsArtifact, chosenDatabases } from './artifacts.ts'
import { connect, type MariadbClient } from './client.ts'
import { takeInventory } from './inventory.ts'
import { refuseUnlendable } from './lent-settings.ts'
import { refuseForeignDatabases } from './own-databases.ts'
import { proveLoad, sizeOf } from './prove-load.ts'
import type { ServerFacts } from './server-facts.ts'

/**
 * Refuses a snapshot that the server cannot take, and tries the load. A server that does not run is asked by the restore, which starts
 * it.
 */
export async function preflight(
  ctx: MethodContext,
  { options, startTimeoutSeconds }: TargetSpec<'mariadb'>,
  snapshot: StoredSnapshot,
): Promise<void> {
  if (ctx.container.state !== 'running') return
  const client = await connect(ctx, options)
  refuseInitialising(ctx, client, startTimeoutSeconds)
  const names = chosenDatabases(options, snapshot)
  await refuseImpossible(ctx, client, snapshot, names)
  await proveLoad(ctx, client, snapshot, names)
}

/** RESTORE_REFUSED or NO_SPACE for everything that is known to make a restore impossible. It MUST be called before anything is touched. */
export async function refuseImpossible(
  ctx: MethodContext,
  client: MariadbClient,
  snapshot: StoredSnapshot,
  names: string[],
): Promise<void> {
  const { server } = client
  const { facts } = snapshot
  const product = productName(facts.product)
  if (facts.product !== server.product) {
    refuseRestore(`the dump comes from ${product}, the server is ${productName(server.product)}`, otherProduct)
  }
  refuseOlderSeries(product, { dumped: String(facts.server), server: server.version })
  if (facts.nameCase !== server.nameCase) {
    const message = `the server has lower_case_table_names=${server.nameCase}, that of the dump had ${facts.nameCase}`
    refuseRestore(message, 'Start the server with the setting of then.')
  }
  refuseMissingEngines(server, facts.engines)
  if (server.administrator) {
    await refuseUnlendable(ctx, client)
    const accounts = parseAccounts(await text(await snapshot.open(accountsArtifact)))
    refuseMissingPlugins(replaceable(accounts, accounts, server.account.user), server)
  } else await refuseForeignDatabases(client, snapshot, names)
  await refuseFullServer(ctx, {
    needed: sizeOf(snapshot, names),
    replaced: () => storedBytes(client, names),
    directory: server.dataDirectory,
    owner: "the server's",
  })
}

const otherProduct =
  'Their accounts and system tables differ; write the dump beside the stack with --to DIR and load it by hand.'

const productName = (product: FactValue | undefined): string => (product === 'mysql' ? 'MySQL' : 'MariaDB')

/** Within a series each server reads what another one wrote. */
function refuseOlderSeries(product: string, { dumped, server }: { dumped: string; server: string }): void {
  const [from, to] = [parseVersion(dumped), parseVersion(server)]
  if (!from || !to || !isOlder(to, from)) return
  const way = `Use an image of ${product} ${formatSeries(from)} or newer.`
  refuseRestore(`the dump comes from ${product} ${dumped}, the server is ${server}`, way)
}

function refuseMissingEngines({ engines }: ServerFacts, used: FactValue | undefined): void {
  const missing = Object.keys(used ?? {}).filter((engine) => !engines.has(engine.toLowerCase()))
  if (missing.length === 0) return
  const message = `tables need storage engines that the server lacks: ${missing.join(', ')}`
  refuseRestore(message, 'Use an image that carries them.')
}

async function storedBytes(client: MariadbClient, names: string[]): Promise<number> {
  const present = await takeInventory(client)
  return present.filter(({ name }) => names.includes(name)).reduce((sum, { bytes }) => sum + bytes, 0)
}
