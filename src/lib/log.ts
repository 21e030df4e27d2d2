import type { Logger } from 'pino'

/** What the product uses of a logger of pino. */
export type Log = Pick<Logger, 'error' | 'warn' | 'info' | 'debug' | 'isLevelEnabled'>

/** Writes nothing. Most commands by hand have it: loading pino would be a tenth of their time. */
export const silentLog: Log = {
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
  isLevelEnabled: () => false,
}
