import type { TargetSpec } from '../../labels/spec.ts'
import type { FactValue } from '../../repository/repository.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { databaseFact, recordOf } from '../shared/facts.ts'
import { refuseRestore } from '../shared/refuse.ts'
import { refuseFullServer } from '../shared/room.ts'
import { formatSeries, isOlder, parseVersion } from '../shared/version.ts'
import { chosenDatabases } from './artifacts.ts'
import { connect, type MariadbClient } from './client.ts'
import { takeInventory } from './inventory.ts'
import { refuseUnlendable } from './lent-settings.ts'

/** Refuses a snapshot that the server cannot take. A server that does not run is asked by the restore, which starts it. */
export async function preflight(
  ctx: MethodContext,
  { options }: TargetSpec<'mariadb'>,
  snapshot: StoredSnapshot,
): Promise<void> {
  if (ctx.container.state !== 'running') return
  await refuseImpossible(ctx, await connect(ctx, options), snapshot, chosenDatabases(options, snapshot))
}

/** RESTORE_REFUSED or NO_SPACE for everything that is known to make a restore impossible. It MUST be called before anything is touched. */
export async function refuseImpossible(
  ctx: MethodContext,
  client: MariadbClient,
  { facts }: StoredSnapshot,
  names: string[],
): Promise<void> {
  const { server } = client
  const product = productName(facts.product)
  if (facts.product !== server.product) {
    refuseRestore(`the dump comes from ${product}, the server is ${productName(server.product)}`, otherProduct)
  }
  refuseOlderSeries(product, { dumped: String(facts.server), server: server.version })
  if (!server.administrator) {
    const way = 'A restore makes databases and accounts; name an administrator, often root.'
    refuseRestore('the user of xnai.backup.mariadb.user is no administrator', way)
  }
  await refuseUnlendable(client)
  if (facts.nameCase !== server.nameCase) {
    const message = `the server has lower_case_table_names=${server.nameCase}, that of the dump had ${facts.nameCase}`
    refuseRestore(message, 'Start the server with the setting of then.')
  }
  await refuseMissingEngines(client, facts.engines)
  await refuseFullServer(ctx, {
    needed: sum(names.map((name) => Number(recordOf(facts[databaseFact(name)]).bytes ?? 0))),
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

async function refuseMissingEngines(client: MariadbClient, used: FactValue | undefined): Promise<void> {
  const rows = await client.query(`SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT');`)
  const available = new Set(rows.map(([engine = '']) => engine.toLowerCase()))
  const missing = Object.keys(used ?? {}).filter((engine) => !available.has(engine.toLowerCase()))
  if (missing.length === 0) return
  const message = `tables need storage engines that the server lacks: ${missing.join(', ')}`
  refuseRestore(message, 'Use an image that carries them.')
}

async function storedBytes(client: MariadbClient, names: string[]): Promise<number> {
  const present = await takeInventory(client)
  return sum(present.filter(({ name }) => names.includes(name)).map(({ bytes }) => bytes))
}

const sum = (sizes: number[]): number => sizes.reduce((total, size) => total + size, 0)
