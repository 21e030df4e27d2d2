import { asBackupError } from '../../errors.ts'
import { refuseRestore } from '../shared/refuse.ts'
import type { MariadbClient } from './client.ts'
import { errorNumber } from './failure.ts'

/** The largest packet that a server can take. A row in a dump may need it, since a blob in hex has twice its own length. */
const largestPacket = 1024 ** 3

/** The global variables that have to be changed while databases are loaded, with their present values. */
export async function settingsToLend(client: MariadbClient): Promise<Record<string, string>> {
  const [[scheduler = '', packet = '', hasBinaryLog, trust = ''] = []] = await client.query(
    `SELECT @@GLOBAL.event_scheduler, @@GLOBAL.max_allowed_packet, @@GLOBAL.log_bin,
      @@GLOBAL.log_bin_trust_function_creators;`,
  )
  return {
    // Events would change rows before they are counted.
    ...(scheduler === 'ON' && { event_scheduler: scheduler }),
    ...(Number(packet) < largestPacket && { max_allowed_packet: packet }),
    // A server with a binary log refuses functions that do not declare what they do (error 1418), but may have taken them before.
    ...(hasBinaryLog === '1' && trust === '0' && { log_bin_trust_function_creators: trust }),
  }
}

/** RESTORE_REFUSED where the user may not change one of these variables. It sets each to its present value, and so changes nothing. */
export async function refuseUnlendable(client: MariadbClient): Promise<void> {
  for (const name of Object.keys(await settingsToLend(client))) {
    try {
      await client.query(`SET GLOBAL ${name} = @@GLOBAL.${name};`)
    } catch (error) {
      if (errorNumber(asBackupError(error).message) !== lacksRight) throw error
      const message = `the user of xnai.backup.mariadb.user may not change ${name}, which a restore changes while it loads`
      refuseRestore(message, 'Name an administrator, often root.')
    }
  }
}

/** The number of the error by which a server says that a statement needs a privilege which the user lacks. */
const lacksRight = 1227

/** Changes the global variables that `settingsToLend` has named. */
export async function lendSettings(client: MariadbClient, settings: Record<string, string>): Promise<void> {
  const lent: Record<string, string> = {
    event_scheduler: 'OFF',
    max_allowed_packet: String(largestPacket),
    log_bin_trust_function_creators: '1',
  }
  const statements = Object.keys(settings).map((name) => `SET GLOBAL ${name} = ${lent[name]};`)
  if (statements.length > 0) await client.query(statements.join('\n'))
}
