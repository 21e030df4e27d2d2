import type { ErrorReport } from '../../errors.ts'
import type { Level, NotifyKind } from '../../notify/address.ts'
import { renderReport } from './error.ts'
import { formatSeconds } from './format.ts'
import { renderText } from './line.ts'
import { paint, type TextStyle } from './text-style.ts'

/** One address in the document of `notify test`. */
export interface TestedAddress {
  kind: NotifyKind
  host: string
  level: Level
  /** Whether the service has taken the message. */
  taken: boolean
  seconds: number
  error?: ErrorReport
}

/** A line for each address: taken, or why not. */
export const renderNotifyTest = (addresses: TestedAddress[], style: TextStyle): string =>
  addresses.map((address) => renderAddress(address, style)).join('')

function renderAddress({ kind, host, level, seconds, error }: TestedAddress, style: TextStyle): string {
  const name = `${kind} ${host} (${level})`
  if (error) return renderReport(name, error, style)
  return renderText(`${paint(style, 'green', 'taken:')} ${name} after ${formatSeconds(seconds)}`, style)
}
