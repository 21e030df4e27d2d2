import { asBackupError, type ErrorReport } from '../../errors.ts'
import { paint, type TextStyle } from './text-style.ts'

/** The message, a line for each cause, and the hint. An INTERNAL error, which is a fault of this program, also shows its stack. */
export function renderError(error: unknown, style: TextStyle): string {
  const top = asBackupError(error)
  const causes = causesOf(top).filter((cause, index, all) => cause !== top.message && all.indexOf(cause) === index)
  return [
    `${paint(style, 'red', 'error:')} ${top.message}`,
    ...causes.map((cause) => `  because: ${cause}`),
    ...(top.code === 'INTERNAL' && top.cause instanceof Error ? [top.cause.stack ?? ''] : []),
    `${paint(style, 'bold', 'hint:')} ${top.hint}`,
  ]
    .map((line) => `${line}\n`)
    .join('')
}

/** The error of one target in the result of a run. */
export function renderReport(target: string, { message, hint }: ErrorReport, style: TextStyle): string {
  return `${paint(style, 'red', 'error:')} ${target}: ${message}\n${paint(style, 'bold', 'hint:')} ${hint}\n`
}

/** The messages of everything that led to an error, nearest first. A SuppressedError, which a failed clean-up makes, has two causes. */
function causesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const { error: late, suppressed, errors = [] } = error as Partial<SuppressedError & AggregateError>
  return [error.cause, late, suppressed, ...errors]
    .filter((cause) => cause !== undefined && cause !== null)
    .flatMap((cause) => [cause instanceof Error ? cause.message : String(cause), ...causesOf(cause)])
}
