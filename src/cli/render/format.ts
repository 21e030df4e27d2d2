export { formatBytes, formatSeconds } from '../../lib/format.ts'

/** A path on a terminal: characters that would move its cursor, or end the line, are written as their codes, `\x1b`. */
export const showPath = (path: string): string =>
  path.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, escapeCharacter)

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
}
