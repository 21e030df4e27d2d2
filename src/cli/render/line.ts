import { type Emphasis, paint, type TextStyle } from './text-style.ts'
import { wrap } from './wrap.ts'

/** A sentence that begins with a coloured word and a colon, `hint: …`, within the width. What is too long goes on in indented lines. */
export const renderLine = (word: string, emphasis: Emphasis, text: string, style: TextStyle): string =>
  renderText(`${paint(style, emphasis, `${word}:`)} ${text}`, style)

/** A text within the width. Each of its lines that is too long goes on in indented lines. */
export const renderText = (text: string, { width }: TextStyle): string =>
  text
    .split('\n')
    .flatMap((line) => (line.length <= width ? [line] : wrapLine(line, width)))
    .map((line) => `${line}\n`)
    .join('')

function wrapLine(line: string, width: number): string[] {
  const [start = ''] = /^ */.exec(line) ?? []
  const [first, ...others] = wrap(line, width - start.length, '  ')
  return [first ?? '', ...others].map((each) => start + each)
}

/** Blocks of text with an empty line between them; empty ones are left out. */
export const joinBlocks = (...blocks: string[]): string => blocks.filter(Boolean).join('\n')
