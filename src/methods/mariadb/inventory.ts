import type { MariadbClient } from './client.ts'
import { quoteText } from './sql-text.ts'

/** What one database consists of. Its rows are counted elsewhere. */
export interface DatabaseFacts {
  name: string
  charset: string
  collation: string
  /** The size of tables and indexes, as the server estimates it. */
  bytes: number
  tables: TableFacts[]
  objects: ObjectCounts
}

export interface TableFacts {
  name: string
  engine: string
  /** Whether a dump in a transaction sees one instant of the table. */
  transactional: boolean
  /** Whether it keeps the history of its rows: WITH SYSTEM VERSIONING. */
  versioned: boolean
}

/** The number of objects of each kind. */
export type ObjectCounts = Record<'views' | 'sequences' | 'routines' | 'triggers' | 'events', number>

/** The databases that every server has. */
export const ownDatabases = ['information_schema', 'performance_schema', 'sys', 'mysql']

/** Whether a restore records itself in this database; see incomplete-restore.ts. Such databases are never backed up. */
export const isTransient = (name: string): boolean => /^xnai_restore_[0-9a-f]{8}$/.test(name)

/**
 * Whether this is a folder in the data directory that no CREATE DATABASE has made: `lost+found` of a file system, `@eaDir` of a NAS. The
 * server shows it as a database under this prefix, and refuses every statement that would make such a database (error 1102).
 */
export const isForeignFolder = (name: string): boolean => name.startsWith('#mysql50#')

/** Whether this is neither the server's own database, nor a foreign folder, nor the record of a restore. */
export const isUsers = (name: string): boolean =>
  !ownDatabases.includes(name) && !isTransient(name) && !isForeignFolder(name)

/** The name of the fact that counts the views, routines, triggers and events of a database. */
export const objectsFact = (database: string): string => `objects of ${database}`

/** Lists every database that is not the server's own, and no foreign folder. */
export async function takeInventory(client: MariadbClient): Promise<DatabaseFacts[]> {
  const databases = new Map<string, DatabaseFacts>()
  for (const [kind = '', schema = '', ...values] of await client.query(inventoryQuery, { timeoutSeconds: 600 })) {
    const known = databases.get(schema)
    if (kind === 'database') databases.set(schema, emptyDatabase(schema, values))
    else if (known && kind === 'table') addTable(known, values)
    else if (known) known.objects[kind as keyof ObjectCounts] = Number(values[0])
  }
  return [...databases.values()].filter(({ name }) => isUsers(name))
}

const emptyDatabase = (name: string, [charset = '', collation = '']: string[]): DatabaseFacts => ({
  name,
  charset: currentName(charset),
  collation: currentName(collation),
  bytes: 0,
  tables: [],
  objects: { views: 0, sequences: 0, routines: 0, triggers: 0, events: 0 },
})

/** The name that newer servers give to the character set utf8. */
const currentName = (name: string): string => name.replace(/^utf8(?=_|$)/, 'utf8mb3')

function addTable(database: DatabaseFacts, [name = '', type, engine = '', transactional, bytes]: string[]): void {
  if (type === 'VIEW') database.objects.views++
  else if (type === 'SEQUENCE') database.objects.sequences++
  else
    database.tables.push({
      name,
      engine,
      transactional: transactional === 'YES',
      versioned: type === 'SYSTEM VERSIONED',
    })
  database.bytes += Number(bytes)
}

const own = `(${ownDatabases.map(quoteText).join(', ')})`

const countOf = (kind: string, table: string, schema: string) =>
  `SELECT '${kind}', ${schema}, COUNT(*) FROM information_schema.${table} WHERE ${schema} NOT IN ${own} GROUP BY ${schema};`

const inventoryQuery = `SELECT 'database', SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME
  FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ${own} ORDER BY SCHEMA_NAME;
SELECT 'table', t.TABLE_SCHEMA, t.TABLE_NAME, t.TABLE_TYPE, COALESCE(t.ENGINE, ''), COALESCE(e.TRANSACTIONS, 'NO'),
    COALESCE(t.DATA_LENGTH + t.INDEX_LENGTH, 0)
  FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
  WHERE t.TABLE_SCHEMA NOT IN ${own} ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME;
${countOf('routines', 'ROUTINES', 'ROUTINE_SCHEMA')}
${countOf('triggers', 'TRIGGERS', 'TRIGGER_SCHEMA')}
${countOf('events', 'EVENTS', 'EVENT_SCHEMA')}`
