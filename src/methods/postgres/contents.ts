import { longSeconds } from '../../lib/deadline.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Check } from '../method.ts'
import { compare, compareRows, describeRows } from '../shared/compare.ts'
import { databaseFact, rowsFact } from '../shared/facts.ts'
import type { PostgresClient } from './client.ts'
import { quoteOddName, requote } from './sql-text.ts'

/** What one database holds, counted exactly. */
export interface Contents {
  /** Rows by `schema.table`, with quotes as `quoteOddName` sets them. Partitions are counted, and their parents are not. */
  rows: Record<string, number>
  sequences: number
  largeObjects: number
  /** Their versions by name. */
  extensions: Record<string, string>
}

const userSchemas = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`
/** The tables of an extension are made by CREATE EXTENSION, and stand in no dump. */
const notOfExtension = `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')`

/** A psql script that counts a database. Each line of its output is a JSON value; `readContents` reads them. */
const countScript = `SELECT format('SELECT json_build_object(''schema'', %L::text, ''table'', %L::text, ''rows'', count(*)) FROM ONLY %I.%I',
    n.nspname, c.relname, n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND ${userSchemas} AND ${notOfExtension} ORDER BY n.nspname, c.relname \\gexec
SELECT json_build_object(
  'sequences', (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND ${userSchemas} AND ${notOfExtension}),
  'largeObjects', (SELECT count(*) FROM pg_largeobject_metadata),
  'extensions', coalesce((SELECT json_object_agg(extname, extversion) FROM pg_extension), '{}'));`

/** The versions of the extensions of a database by their names. */
export function listExtensions(client: PostgresClient, database: string): Promise<Record<string, string>> {
  return client.json(database, `SELECT coalesce(json_object_agg(extname, extversion), '{}') FROM pg_extension;`)
}

/** Counts a database now, which may take hours. */
export async function countContents(client: PostgresClient, database: string): Promise<Contents> {
  const lines = await client.script(database, countScript, { timeoutSeconds: longSeconds })
  return readContents(lines.split('\n'))
}

/** Reads the lines that `countScript` printed. */
export function readContents(lines: readonly string[]): Contents {
  const values = lines.filter((line) => line !== '').map((line) => JSON.parse(line))
  const rest = values.pop()
  return { ...rest, rows: Object.fromEntries(values.map(nameRows)) }
}

const nameRows = ({ schema, table, rows }: { schema: string; table: string; rows: number }) =>
  [`${quoteOddName(schema)}.${quoteOddName(table)}`, rows] as const

/** The name of the fact that holds the versions of the extensions of a database. */
export const extensionsFact = (database: string): string => `extensions of ${database}`

/**
 * What was counted at the backup. Of a dump that another program wrote at most the rows are known. Older snapshots, and dumps as text,
 * quote the names of tables by the reserved words of their version.
 */
export function recordedContents(facts: Facts, database: string): Partial<Contents> {
  const record = (name: string) => facts[name] as Record<string, never> | undefined
  const { sequences, largeObjects } = record(databaseFact(database)) ?? {}
  const [rows, extensions] = [record(rowsFact(database)), record(extensionsFact(database))]
  return {
    ...(rows && { rows: Object.fromEntries(Object.entries(rows).map(([table, count]) => [requote(table), count])) }),
    ...(extensions && { extensions }),
    ...(sequences !== undefined && largeObjects !== undefined && { sequences, largeObjects }),
  }
}

/** Compares the rows of all tables, then the sequences and large objects, then each extension. */
export function compareContents(database: string, expected: Partial<Contents>, actual: Contents): Check[] {
  const { extensions = {} } = expected
  return [
    ...compareTables(database, expected.rows, actual.rows),
    ...compareCounts(database, expected, actual),
    ...Object.entries(extensions).map(([name, version]) => compareExtension(database, name, version, actual)),
  ]
}

function compareTables(database: string, expected: Contents['rows'] | undefined, actual: Contents['rows']): Check[] {
  const name = `${database}: rows`
  return expected ? compareRows(name, expected, actual) : [compare(name, 'not recorded', describeRows(actual), true)]
}

function compareCounts(database: string, expected: Partial<Contents>, actual: Contents): Check[] {
  if (expected.sequences === undefined) return []
  const counts = ({ sequences, largeObjects }: Partial<Contents>) => `${sequences} and ${largeObjects}`
  return [compare(`${database}: sequences and large objects`, counts(expected), counts(actual))]
}

/** The extension must be there. Its version may be newer, because a newer image brings newer extensions. */
function compareExtension(database: string, name: string, version: string, { extensions }: Contents): Check {
  const actual = extensions[name]
  return compare(`${database}: extension ${name}`, version, actual ?? 'missing', actual !== undefined)
}
