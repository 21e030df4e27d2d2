import type { Facts } from '../../repository/repository.ts'
import type { Check } from '../method.ts'

/** What one database holds, counted exactly. */
export interface Contents {
  /** Rows by `schema.table`, quoted where need be; partitions, not their parents. */
  rows: Record<string, number>
  sequences: number
  largeObjects: number
  /** Versions by name. */
  extensions: Record<string, string>
}

const userSchemas = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`
/** Tables of an extension come with its CREATE EXTENSION. */
const notOfExtension = `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')`

/** A psql script; its output is for `readContents`. Every line is one JSON value. */
export const countScript = `SELECT format('SELECT json_build_object(''table'', %L::text, ''rows'', count(*)) FROM ONLY %I.%I',
    format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND ${userSchemas} AND ${notOfExtension} ORDER BY n.nspname, c.relname \\gexec
SELECT json_build_object(
  'sequences', (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND ${userSchemas} AND ${notOfExtension}),
  'largeObjects', (SELECT count(*) FROM pg_largeobject_metadata),
  'extensions', coalesce((SELECT json_object_agg(extname, extversion) FROM pg_extension), '{}'));`

export function readContents(lines: readonly string[]): Contents {
  const values = lines.filter((line) => line !== '').map((line) => JSON.parse(line))
  const rest = values.pop()
  return { ...rest, rows: Object.fromEntries(values.map(({ table, rows }) => [table, rows])) }
}

/** The facts of one database, under names that carry its own. */
export const rowsFact = (database: string): string => `rows of ${database}`
export const extensionsFact = (database: string): string => `extensions of ${database}`
export const databaseFact = (database: string): string => `database ${database}`

/** What was counted at the backup. */
export function recordedContents(facts: Facts, database: string): Contents {
  const record = (name: string) => (facts[name] ?? {}) as Record<string, never>
  const { sequences = 0, largeObjects = 0 } = record(databaseFact(database))
  return { rows: record(rowsFact(database)), extensions: record(extensionsFact(database)), sequences, largeObjects }
}

/** One line for all tables that agree, one for each that does not, and one for what else was counted. */
export function compareContents(database: string, expected: Contents, actual: Contents): Check[] {
  const names = [...new Set([...Object.keys(expected.rows), ...Object.keys(actual.rows)])]
  const differing = names.filter((name) => expected.rows[name] !== actual.rows[name])
  const tables = differing.map((name) =>
    compare(`${database}: rows of ${name}`, countOf(expected.rows[name]), countOf(actual.rows[name])),
  )
  const counts = ({ sequences, largeObjects }: Contents) => `${sequences} and ${largeObjects}`
  return [
    compare(`${database}: rows`, describeRows(expected), describeRows(actual)),
    ...tables,
    compare(`${database}: sequences and large objects`, counts(expected), counts(actual)),
    ...Object.entries(expected.extensions).map(([name, version]) => compareExtension(database, name, version, actual)),
  ]
}

/** A newer image brings a newer version of an extension, and that is right. */
function compareExtension(database: string, name: string, version: string, { extensions }: Contents): Check {
  const actual = extensions[name]
  return {
    name: `${database}: extension ${name}`,
    expected: version,
    actual: actual ?? 'missing',
    ok: actual !== undefined,
  }
}

function describeRows({ rows }: Contents): string {
  const counts = Object.values(rows)
  return `${counts.reduce((sum, count) => sum + count, 0)} in ${counts.length} tables`
}

const countOf = (rows: number | undefined): string => (rows === undefined ? 'no such table' : String(rows))

const compare = (name: string, expected: string, actual: string): Check => ({
  name,
  expected,
  actual,
  ok: expected === actual,
})
