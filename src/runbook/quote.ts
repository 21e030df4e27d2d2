/** A text as one word of the shell, whatever its characters are. Labels and names belong to others. */
export function quote(text: string): string {
  if (/^[A-Za-z0-9_./:@%+=,-]+$/.test(text)) return text
  // A line break or a backtick could end the code block that the word stands in.
  if (/[\p{Cc}`]/u.test(text)) return `$'${text.replaceAll(/[\p{Cc}`'\\]/gu, escapeCharacter)}'`
  return `'${text.replaceAll("'", `'\\''`)}'`
}

const escapeCharacter = (character: string): string =>
  `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`

/** A text within Markdown, on one line and without code of its own. */
export const plain = (text: string): string => text.replaceAll(/[\p{Cc}`<>]+/gu, ' ')
