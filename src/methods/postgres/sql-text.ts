/** An SQL identifier, whatever stands in it. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * A name with quotes where it needs them whatever words a version reserves. It identifies a table in facts: `%I` of the server quotes
 * by the words of its own version.
 */
export const quoteOddName = (name: string): string => (/^[a-z_][a-z0-9_$]*$/.test(name) ? name : quoteName(name))

/** The name of a table, as any version quotes it, by the quotes of `quoteOddName`. */
export const requote = (name: string): string =>
  name.replaceAll(/"((?:[^"]|"")*)"/g, (_all, quoted: string) => quoteOddName(quoted.replaceAll('""', '"')))

/** An SQL string literal that does not depend on `standard_conforming_strings`. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`
  return text.includes('\\') ? ` E${quoted}` : quoted
}

/** An argument for `--dbname`. A bare name with `=` in it would be read as a connection string. */
export const connectTo = (database: string): string => `dbname='${database.replaceAll(/['\\]/g, '\\$&')}'`

/** Settings whose value is a list of quoted names. pg_dump keeps the same table (variable_is_guc_list_quote). */
const listSettings = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
])

/** The name and the right side of `SET name = …` for one `name=value` of pg_db_role_setting. */
export function settingOf(text: string): { name: string; value: string } {
  const name = text.slice(0, text.indexOf('='))
  const value = text.slice(name.length + 1)
  if (!listSettings.has(name)) return { name, value: quoteText(value) }
  const items = value.match(/"(?:[^"]|"")*"|[^,\s]+/g) ?? []
  const plain = items.map((item) => (item.startsWith('"') ? item.slice(1, -1).replaceAll('""', '"') : item))
  return { name, value: plain.length === 0 ? "''" : plain.map(quoteText).join(', ') }
}
