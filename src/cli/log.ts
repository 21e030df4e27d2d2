import { type Logger, type LoggerOptions, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { Sink } from './io.ts'
import type { Screen } from './render/screen.ts'
import type { Scrubber } from './secrets.ts'

/** JSON lines on stderr, pretty on a terminal. Secrets go by path and by value. */
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
