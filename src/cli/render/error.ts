import { asBackupError, type ErrorReport } from '../../errors.ts'
import { paint, type TextStyle } from './text-style.ts'

/** Message, one line per cause, hint; of a fault of ours also where it happened. */
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

/** The error of one target of a run. */
export function renderReport(target: string, { message, hint }: ErrorReport, style: TextStyle): string {
  return `${paint(style, 'red', 'error:')} ${target}: ${message}\n${paint(style, 'bold', 'hint:')} ${hint}\n`
}

/** All that led to an error, nearest first. A failed clean-up names both what it did and what came before it. */
function causesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const { error: late, suppressed, errors = [] } = error as Partial<SuppressedError & AggregateError>
  return [error.cause, late, suppressed, ...errors]
    .filter((cause) => cause !== undefined && cause !== null)
    .flatMap((cause) => [cause instanceof Error ? cause.message : String(cause), ...causesOf(cause)])
}
