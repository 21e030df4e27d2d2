import { asBackupError, type ErrorReport } from '../../errors.ts'
import { renderLine, renderText } from './line.ts'
import type { TextStyle } from './text-style.ts'

/** The message, a line for each cause, and the hint. An INTERNAL error, which is a fault of this program, also shows its stack. */
export function renderError(error: unknown, style: TextStyle): string {
  const top = asBackupError(error)
  const causes = causesOf(top).filter((cause, index, all) => cause !== top.message && all.indexOf(cause) === index)
  return [
    renderLine('error', 'red', top.message, style),
    ...causes.map((cause) => renderText(`  because: ${cause}`, style)),
    ...(top.code === 'INTERNAL' && top.cause instanceof Error ? [`${top.cause.stack}\n`] : []),
    renderLine('hint', 'bold', top.hint, style),
  ].join('')
}

/** The error of one target in the result of a run. */
export const renderReport = (target: string, { message, hint }: ErrorReport, style: TextStyle): string =>
  renderLine('error', 'red', `${target}: ${message}`, style) + renderLine('hint', 'bold', hint, style)

/** The messages of everything that led to an error, nearest first. A SuppressedError, which a failed clean-up makes, has two causes. */
function causesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const { error: late, suppressed, errors = [] } = error as Partial<SuppressedError & AggregateError>
  return [error.cause, late, suppressed, ...errors]
    .filter((cause) => cause !== undefined && cause !== null)
    .flatMap((cause) => [cause instanceof Error ? cause.message : String(cause), ...causesOf(cause)])
}
