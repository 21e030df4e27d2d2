import type { FactValue } from '../../repository/repository.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { databaseFact, recordOf } from '../shared/facts.ts'
import { refuseRestore } from '../shared/refuse.ts'
import { refuseFullServer } from '../shared/room.ts'
import { formatSeries, isOlder, parseVersion } from '../shared/version.ts'
import type { MariadbClient } from './client.ts'
import { takeInventory } from './inventory.ts'

/** Everything that is known to make a restore impossible, found before anything is touched. */
export async function preflightRestore(
  ctx: MethodContext,
  client: MariadbClient,
  { facts }: StoredSnapshot,
  names: string[],
): Promise<void> {
  const { server } = client
  if (facts.product !== server.product) {
    refuseRestore(
      `the dump comes from ${productName(facts.product)}, the server is ${productName(server.product)}`,
      otherProduct,
    )
  }
  refuseOlderSeries(server.version, String(facts.server), productName(facts.product))
  if (!server.administrator) {
    const hint = 'A restore makes databases and accounts; name an administrator, often root.'
    refuseRestore('the user of xnai.backup.mariadb.user is no administrator', hint)
  }
  if (facts.nameCase !== server.nameCase) {
    const hint = 'Start the server with the setting of then.'
    refuseRestore(
      `the server has lower_case_table_names=${server.nameCase}, that of the dump had ${facts.nameCase}`,
      hint,
    )
  }
  await refuseMissingEngines(client, facts.engines)
  await refuseFullServer(ctx, {
    needed: sum(names.map((name) => bytesOf(facts[databaseFact(name)]))),
    replaced: () => storedBytes(client, names),
    directory: server.dataDirectory,
    owner: "the server's",
  })
}

const otherProduct =
  'Their accounts and system tables differ; write the dump beside the stack with --to DIR and load it by hand.'

const productName = (product: FactValue | undefined): string => (product === 'mysql' ? 'MySQL' : 'MariaDB')

/** Within a series each server reads what another one wrote. */
function refuseOlderSeries(server: string, dumped: string, product: string): void {
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
  refuseRestore(
    `tables need storage engines that the server lacks: ${missing.join(', ')}`,
    'Use an image that carries them.',
  )
}

const bytesOf = (fact: FactValue | undefined): number => Number(recordOf(fact).bytes ?? 0)

async function storedBytes(client: MariadbClient, names: string[]): Promise<number> {
  const present = await takeInventory(client)
  return sum(present.filter(({ name }) => names.includes(name)).map(({ bytes }) => bytes))
}

const sum = (sizes: number[]): number => sizes.reduce((total, size) => total + size, 0)
