import type { MethodContext } from '../method.ts'
import { refuseRestore } from '../shared/refuse.ts'
import { clientArguments, type MariadbClient, sessionSettings } from './client.ts'
import { describeToolFailure, errorNumber } from './failure.ts'
import type { ServerFacts } from './server-facts.ts'
import { readRows } from './sql-text.ts'

/** The largest packet that a server can take. A row in a dump may need it, since a blob in hex has twice its own length. */
export const largestPacket = 1024 ** 3

/** The global variables that have to be changed while databases are loaded, with their present values. */
export function settingsToLend({ administrator, variables }: ServerFacts): Record<string, string> {
  if (!administrator) return {}
  const {
    event_scheduler: scheduler,
    max_allowed_packet: packet = '',
    log_bin_trust_function_creators: trust,
  } = variables
  return {
    // Events would change rows before they are counted.
    ...(scheduler === 'ON' && { event_scheduler: scheduler }),
    ...(Number(packet) < largestPacket && { max_allowed_packet: packet }),
    // A server with a binary log refuses functions that do not declare what they do (error 1418), but may have taken them before.
    ...(variables.log_bin === 'ON' && trust === 'OFF' && { log_bin_trust_function_creators: trust }),
  }
}

/** RESTORE_REFUSED where the user may not change one of these variables. It sets each to its present value, and so changes nothing. */
export async function refuseUnlendable(ctx: MethodContext, client: MariadbClient): Promise<void> {
  const names = Object.keys(settingsToLend(client.server))
  if (names.length === 0) return
  const statements = names.map((name) => `SELECT '${name}'; SET GLOBAL ${name} = @@GLOBAL.${name};`)
  const result = await client.run('client', clientArguments, { input: sessionSettings + statements.join('\n') })
  if (result.exitCode === 0) return
  if (errorNumber(result.stderr) !== lacksRight) throw describeToolFailure(ctx, 'client', result)
  const name = readRows(result.stdout).at(-1)?.[0]
  const message = `the user of xnai.backup.mariadb.user may not change ${name}, which a restore changes while it loads`
  refuseRestore(message, 'Name an administrator, often root.')
}

/** The number of the error by which a server says that a statement needs a privilege which the user lacks. */
const lacksRight = 1227

/** Statements that change the global variables that `settingsToLend` has named. */
export function lendSql(settings: Record<string, string>): string[] {
  const lent: Record<string, string> = {
    event_scheduler: 'OFF',
    max_allowed_packet: String(largestPacket),
    log_bin_trust_function_creators: '1',
  }
  return Object.keys(settings).map((name) => `SET GLOBAL ${name} = ${lent[name]};`)
}
