import { asBackupError, causesOf, type ErrorReport } from '../../errors.ts'
import { renderLine, renderText } from './line.ts'
import type { TextStyle } from './text-style.ts'

/** The message, a line for each cause, and the hint. An INTERNAL error, which is a fault of this program, also shows its stack. */
export function renderError(error: unknown, style: TextStyle): string {
  const top = asBackupError(error)
  return [
    renderLine('error', 'red', top.message, style),
    ...causesOf(top).map((cause) => renderText(`  because: ${cause}`, style)),
    ...(top.code === 'INTERNAL' && top.cause instanceof Error ? [`${top.cause.stack}\n`] : []),
    renderLine('hint', 'bold', top.hint, style),
  ].join('')
}

/** The error of one target in the result of a run. */
export const renderReport = (target: string, { message, hint }: ErrorReport, style: TextStyle): string =>
  renderLine('error', 'red', `${target}: ${message}`, style) + renderLine('hint', 'bold', hint, style)
