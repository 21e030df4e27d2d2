import { stripVTControlCharacters } from 'node:util'

const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u
/** One character, one column: ASCII, Latin letters, dashes, quotes and dots. */
const plain = /^[\x20-\x7e\xa1-\xac\xae-\u02ff\u2010-\u2027]*$/

let graphemes: Intl.Segmenter | undefined

/** The number of terminal columns that a text without line breaks takes. Escape codes take none, East Asian characters take two. */
export function textWidth(text: string): number {
  if (plain.test(text)) return text.length
  const visible = stripVTControlCharacters(text)
  if (plain.test(visible)) return visible.length
  // It takes 20 ms to make one, which most calls of the program do not need.
  graphemes ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return [...graphemes.segment(visible)].reduce((sum, { segment }) => sum + (wide.test(segment) ? 2 : 1), 0)
}

/** The text with blanks after it until it takes `width` columns. */
export const padTo = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - textWidth(text)))
