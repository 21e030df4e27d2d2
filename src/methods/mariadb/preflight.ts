import { BackupError } from '../../errors.ts'
import type { FactValue } from '../../repository/repository.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { refuseFull } from '../shared/database-server.ts'
import type { MariadbClient } from './client.ts'
import { databaseFact } from './compare.ts'
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
    refuse(
      `the dump comes from ${productName(facts.product)}, the server is ${productName(server.product)}`,
      otherProduct,
    )
  }
  if (isOlder(server.version, String(facts.server))) {
    const hint = `Use an image of ${productName(facts.product)} ${series(String(facts.server)).join('.')} or newer.`
    refuse(`the dump comes from ${productName(facts.product)} ${facts.server}, the server is ${server.version}`, hint)
  }
  if (!server.administrator) {
    const hint = 'A restore makes databases and accounts; name an administrator, often root.'
    refuse('the user of xnai.backup.mariadb.user is no administrator', hint)
  }
  if (facts.nameCase !== server.nameCase) {
    const hint = 'Start the server with the setting of then.'
    refuse(`the server has lower_case_table_names=${server.nameCase}, that of the dump had ${facts.nameCase}`, hint)
  }
  await refuseMissingEngines(client, facts.engines)
  await refuseFull(ctx, {
    needed: sum(names.map((name) => bytesOf(facts[databaseFact(name)]))),
    replaced: () => storedBytes(client, names),
    directory: server.dataDirectory,
    whose: "the server's",
  })
}

function refuse(message: string, way: string): never {
  throw new BackupError('RESTORE_REFUSED', message, { hint: `Nothing was touched. ${way}` })
}

const otherProduct =
  'Their accounts and system tables differ; write the dump beside the stack with --to DIR and load it by hand.'

const productName = (product: FactValue | undefined): string => (product === 'mysql' ? 'MySQL' : 'MariaDB')

/** `11.8.3-MariaDB` → [11, 8]: within a series each server reads what another one wrote. */
const series = (version: string): [number, number] => {
  const [, major = '0', minor = '0'] = version.match(/^(\d+)\.(\d+)/) ?? []
  return [Number(major), Number(minor)]
}

function isOlder(version: string, than: string): boolean {
  const [major, minor] = series(version)
  const [otherMajor, otherMinor] = series(than)
  return major < otherMajor || (major === otherMajor && minor < otherMinor)
}

async function refuseMissingEngines(client: MariadbClient, used: FactValue | undefined): Promise<void> {
  const rows = await client.query(`SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT');`)
  const available = new Set(rows.map(([engine = '']) => engine.toLowerCase()))
  const missing = Object.keys(used ?? {}).filter((engine) => !available.has(engine.toLowerCase()))
  if (missing.length === 0) return
  refuse(`tables need storage engines that the server lacks: ${missing.join(', ')}`, 'Use an image that carries them.')
}

const bytesOf = (fact: FactValue | undefined): number =>
  typeof fact === 'object' && fact !== null ? Number(fact.bytes ?? 0) : 0

async function storedBytes(client: MariadbClient, names: string[]): Promise<number> {
  const present = await takeInventory(client)
  return sum(present.filter(({ name }) => names.includes(name)).map(({ bytes }) => bytes))
}

const sum = (sizes: number[]): number => sizes.reduce((total, size) => total + size, 0)
