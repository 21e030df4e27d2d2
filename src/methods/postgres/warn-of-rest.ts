import type { CaptureContext } from '../method.ts'
import type { PostgresClient } from './client.ts'
import { listOtherDatabases, type OtherDatabase } from './cluster.ts'

/** Warns of what no dump holds: a server that is made anew lacks it. Their values stay unread, because some settings are secrets. `wanted` are the databases that the label names. */
export async function warnOfRest(ctx: CaptureContext, client: PostgresClient, wanted?: string[]): Promise<void> {
  for (const { name, is } of await listOtherDatabases(client)) {
    if (!wanted || wanted.includes(name)) ctx.warn(explain[is](name))
  }
  if (!client.server.superuser || client.server.major < 10) return
  const { settings, rules, changed } = await client.json<ServerFiles>('template1', filesQuery)
  if (settings.length > 0) ctx.warn(`settings made by ALTER SYSTEM are not in the backup: ${settings.join(', ')}`)
  if (rules > 0) ctx.warn(`${rules} rules of pg_hba.conf that the image does not make are not in the backup`)
  if (changed) ctx.warn('template1 has objects of its own, which are not in the backup')
}

const explain: Record<OtherDatabase['is'], (name: string) => string> = {
  invalid: (name) =>
    `database ${name} is invalid, as an interrupted DROP DATABASE leaves it: it is not in the backup, drop it`,
  template: (name) => `the template ${name} is not in the backup`,
  closed: (name) => `database ${name} takes no connections and is not in the backup`,
}

interface ServerFiles {
  /** The names of the settings in postgresql.auto.conf. */
  settings: string[]
  /** How many rules of pg_hba.conf are other than those that initdb and the official image write. */
  rules: number
  /** Whether template1 has objects that initdb did not make. */
  changed: boolean
}

/** Objects that initdb makes have ids below 16384. */
const filesQuery = `SELECT json_build_object(
  'settings', (SELECT coalesce(json_agg(DISTINCT name), '[]') FROM pg_file_settings WHERE sourcefile ~ 'postgresql[.]auto[.]conf$'),
  'rules', (SELECT count(*) FROM pg_hba_file_rules WHERE NOT (type IN ('local', 'host') AND user_name = '{all}'
    AND database IN ('{all}', '{replication}') AND options IS NULL AND error IS NULL
    AND coalesce(address, 'all') IN ('all', '127.0.0.1', '::1'))),
  'changed', EXISTS (SELECT FROM pg_class WHERE oid >= 16384) OR EXISTS (SELECT FROM pg_proc WHERE oid >= 16384)
    OR EXISTS (SELECT FROM pg_extension WHERE oid >= 16384) OR EXISTS (SELECT FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_'));`
