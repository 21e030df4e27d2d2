import { type Logger, type LoggerOptions, pino } from 'pino'
import type { LoggedFailure } from '../lib/log-failure.ts'
import type { Sink } from './io.ts'
import type { Screen } from './render/screen.ts'
import type { Scrubber } from './secrets.ts'

/**
 * Makes a logger that writes JSON lines, or lines for people when `sink` is a terminal. Secrets are removed in two ways: fields that
 * hold them by their path, and their values wherever the scrubber finds them.
 */
export async function makeLogger(level: string, sink: Sink, screen: Screen, scrubber: Scrubber): Promise<Logger> {
  const render = sink.isTTY ? await loadPretty(sink) : (line: string) => line
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: ['environment', '*.environment', 'password', '*.password'], censor: '[secret]' },
  }
  return pino(options, {
    write: (line) => screen.write(scrubber.scrub(render(line))),
  })
}

/** Loaded for a terminal only: most calls have none, and would start later for it. */
async function loadPretty(sink: Sink): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty')
  const pretty = prettyFactory({
    colorize: sink.hasColors?.() === true,
    ignore: 'pid,hostname,code,cause,hint,stack',
    singleLine: true,
    messageFormat: (record, key) => sentence(String(record[key]), record),
  })
  return (line) => pretty(JSON.parse(line))
}

/** The message of a record and, of one that tells of a failure, why, and what to do. The stack, if any, stands below. */
function sentence(message: string, { code, cause, hint, stack }: Partial<LoggedFailure>): string {
  if (code === undefined) return message
  const line = `${message}: ${cause} (${code}). Hint: ${hint}`.replaceAll(/\s*\n\s*/g, ' ')
  return stack === undefined ? line : `${line}\n${stack}`
}
