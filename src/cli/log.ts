import { type Logger, type LoggerOptions, pino } from 'pino'
import type { Sink } from './io.ts'
import type { Screen } from './render/screen.ts'
import type { Scrubber } from './secrets.ts'

/**
 * Makes a logger that writes JSON lines, or text for people when `sink` is a terminal. Secrets are removed in two ways: fields that
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
  const pretty = prettyFactory({ colorize: sink.hasColors?.() === true, ignore: 'pid,hostname' })
  return (line) => pretty(JSON.parse(line))
}
