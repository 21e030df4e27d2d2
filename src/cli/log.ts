import { type Logger, type LoggerOptions, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { Sink } from './io.ts'
import type { Screen } from './render/screen.ts'
import type { Scrubber } from './secrets.ts'

/**
 * Makes a logger that writes JSON lines, or text for people when `sink` is a terminal. Secrets are removed in two ways: fields that
 * hold them by their path, and their values wherever the scrubber finds them.
 */
export function makeLogger(level: string, sink: Sink, screen: Screen, scrubber: Scrubber): Logger {
  const pretty = prettyFactory({ colorize: sink.hasColors?.() === true, ignore: 'pid,hostname' })
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: ['environment', '*.environment', 'password', '*.password'], censor: '[secret]' },
  }
  return pino(options, {
    write: (line) => screen.write(scrubber.scrub(sink.isTTY ? pretty(JSON.parse(line)) : line)),
  })
}
