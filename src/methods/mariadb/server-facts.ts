import { BackupError } from '../../errors.ts'
import { quoteText } from './sql-text.ts'

/** The name of the lock that the scripts of a restore hold, as an SQL literal; see session-lock.ts. */
export const restoreLock = `'xnai-backup restore'`

/** What a server says of itself when it is connected to. */
export interface ServerFacts {
  /** The version as the server says it: `11.8.3-MariaDB-0+deb13u1`. */
  version: string
  product: 'mariadb' | 'mysql'
  /** The path in the container. */
  dataDirectory: string
  /** False on a server that only initialises itself, and ends soon. */
  listens: boolean
  /** The way in which it stores names: `lower_case_table_names`. */
  nameCase: number
  /** The account that the server has chosen for the login. */
  account: { user: string; host: string }
  /** Whether the user of the backup may make accounts and databases. */
  administrator: boolean
  /** All names that it shows as databases, the server's own and foreign folders among them. */
  databases: string[]
  /** The names of the storage engines that can be used, in lower case. */
  engines: ReadonlySet<string>
  /** The active plugins for accounts, storage engines, types, functions and encryption. */
  plugins: Plugin[]
  /** The global variables that this method reads, as far as the server has them: `ON`, `16777216`. */
  variables: Record<string, string>
  /** The session that holds the lock of a restore; absent where none does. See session-lock.ts. */
  restoring?: number
}

export interface Plugin {
  name: string
  /** `AUTHENTICATION`, `STORAGE ENGINE` and so on. */
  type: string
  /** The file that it was loaded from. Empty where it is built in. */
  library: string
}

/** The variables that a load needs changed; see lent-settings.ts. */
const lentVariables = ['event_scheduler', 'max_allowed_packet', 'log_bin', 'log_bin_trust_function_creators']

/** The variables that decide whether a server accepts what a dump holds. */
export const copiedVariables = [
  ...['lower_case_table_names', 'innodb_page_size', 'character_set_server', 'collation_server', 'plugin_dir'],
  ...[
    'default_storage_engine',
    'enforce_storage_engine',
    'disabled_storage_engines',
    'explicit_defaults_for_timestamp',
  ],
  ...['innodb_default_row_format', 'innodb_file_per_table', 'innodb_file_format', 'innodb_large_prefix'],
  ...['innodb_force_primary_key', 'innodb_read_only_compressed', 'sql_require_primary_key', 'old_mode'],
]

/** The kinds of plugins that a dump or an account can need. */
const pluginTypes = ['AUTHENTICATION', 'STORAGE ENGINE', 'DATA TYPE', 'FUNCTION', 'ENCRYPTION']

/** SQL for the own account as information_schema writes it: `'root'@'localhost'`, where CURRENT_USER() says root@localhost. */
export const ownAccount = `CONCAT("'", REVERSE(SUBSTRING(REVERSE(CURRENT_USER()), LOCATE('@', REVERSE(CURRENT_USER())) + 1)), "'@'",
  SUBSTRING_INDEX(CURRENT_USER(), '@', -1), "'")`

const listOf = (texts: string[]): string => texts.map(quoteText).join(', ')

/** Each row begins with its kind, except those of the variables, which have their name there. */
export const serverQuery = `SET SESSION group_concat_max_len = 65536;
SELECT ':server', VERSION(), @@version_comment, @@datadir, @@skip_networking, @@lower_case_table_names, CURRENT_USER(),
  COALESCE(IS_USED_LOCK(${restoreLock}), 0),
  COALESCE((SELECT GROUP_CONCAT(PRIVILEGE_TYPE) FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = ${ownAccount}), '');
SELECT ':database', SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY SCHEMA_NAME;
SELECT ':engine', ENGINE FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT');
SELECT ':plugin', PLUGIN_NAME, PLUGIN_TYPE, COALESCE(PLUGIN_LIBRARY, '') FROM information_schema.PLUGINS
  WHERE PLUGIN_STATUS = 'ACTIVE' AND PLUGIN_TYPE IN (${listOf(pluginTypes)});
SHOW GLOBAL VARIABLES WHERE Variable_name IN (${listOf([...lentVariables, ...copiedVariables])});`

/** Reads the answer to `serverQuery`. */
export function readServerFacts(rows: string[][]): ServerFacts {
  const of = (kind: string) => rows.filter(([first]) => first === kind).map(([, ...values]) => values)
  const [own] = of(':server')
  if (!own) throw new BackupError('EXEC_FAILED', 'the server did not say what it is')
  const [version = '', comment = '', dataDirectory = '', skipsNetworking, nameCase, account = '', lock, granted = ''] =
    own
  const privileges = new Set(granted.split(','))
  const at = account.lastIndexOf('@')
  return {
    version,
    product: /mariadb/i.test(`${version} ${comment}`) ? 'mariadb' : 'mysql',
    dataDirectory,
    listens: skipsNetworking === '0',
    nameCase: Number(nameCase),
    account: { user: account.slice(0, at), host: account.slice(at + 1) },
    administrator: ['CREATE', 'DROP', 'INSERT', 'CREATE USER'].every((one) => privileges.has(one)),
    databases: of(':database').map(([name = '']) => name),
    engines: new Set(of(':engine').map(([name = '']) => name.toLowerCase())),
    plugins: of(':plugin').map(([name = '', type = '', library = '']) => ({ name, type, library })),
    variables: Object.fromEntries(
      rows
        .filter(([first = '']) => !first.startsWith(':'))
        .map(([name = '', value = '']) => [name.toLowerCase(), value]),
    ),
    ...(lock !== '0' && { restoring: Number(lock) }),
  }
}
