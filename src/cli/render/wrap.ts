import { textWidth } from './text-width.ts'

/** A word: what stands between backticks is one, so that a command to be copied is not broken. */
const words = /`[^`]*`\S*|\S+/g

/**
 * Breaks a text between words into lines of at most `width` columns. Every line but the first begins with `indent`. A longer word has
 * a line of its own and is not broken, because names, ids and paths are copied.
 */
export function wrap(text: string, width: number, indent: string): string[] {
  return flow(text.match(words) ?? [], { width, indent, separator: ' ' })
}

interface FlowOptions {
  width: number
  /** Begins every line but the first. */
  indent: string
  /** Stands between two pieces on one line. Its blanks are left out at the end of a line. */
  separator: string
}

/** Puts pieces one after the other into lines of at most `width` columns, without breaking any. */
export function flow(pieces: string[], { width, indent, separator }: FlowOptions): string[] {
  const lines: string[] = []
  for (const piece of pieces) {
    const last = lines.at(-1)
    const longer = last === undefined ? piece : `${last}${separator}${piece}`
    if (last === undefined) lines.push(piece)
    else if (textWidth(longer) <= width) lines.splice(-1, 1, longer)
    else lines.splice(-1, 1, last + separator.trimEnd(), indent + piece)
  }
  return lines
}
