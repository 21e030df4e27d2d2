/** An SQL identifier, whatever stands in it. */
export const quoteName = (name: string): string => `\`${name.replaceAll('`', '``')}\``

/** An SQL string literal for a session without NO_BACKSLASH_ESCAPES. */
export const quoteText = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`

/** The name in a quoted identifier. */
export const unquoteName = (quoted: string): string => quoted.replaceAll('``', '`')

const escapes: Record<string, string> = { n: '\n', t: '\t', '0': '\0' }

/** Reads rows as the client prints them with `--batch`: each is a line, with tabs between columns. Values have both escaped. */
export function readRows(output: string): string[][] {
  const plain = (value: string) => value.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter)
  const lines = output.split('\n').filter((line) => line !== '')
  return lines.map((line) => line.split('\t').map(plain))
}
