import { type BackupError, reportError } from '../errors.ts'
import type { Progress } from '../job/job.ts'
import type { Clock } from '../lib/clock.ts'
import { type Log, silentLog } from '../lib/log.ts'
import type { Answer } from './command.ts'
import type { Io } from './io.ts'
import { renderError } from './render/error.ts'
import { makePlainProgress, makeTerminalProgress } from './render/progress.ts'
import { makeScreen } from './render/screen.ts'
import { type TextStyle, textStyleOf, widthOf } from './render/text-style.ts'
import { makeScrubber, type Scrubber } from './secrets.ts'

/** All that one call of the program prints. Every text is scrubbed of the secrets that `scrubber` has learnt (P9). */
export interface Output {
  scrubber: Scrubber
  /** Prints the result of a command on stdout: its document with `--json`, else its text. */
  answer(answer: Answer): void
  /** Prints an error on stderr, and with `--json` also as the one document on stdout. */
  error(error: BackupError): void
  /** Writes text for people to stderr. */
  note(text: string): void
  /** Makes a logger on stderr. `level`: as pino names it, or `silent`. */
  logger(level: string): Promise<Log>
  /** Progress on stderr until it is disposed: live lines on a terminal, else a line for each step. `totals`: bytes by the key of the target. */
  progress(clock: Clock, totals: ReadonlyMap<string, number>): Progress & Disposable
}

export function makeOutput(io: Io, json: boolean): Output {
  const screen = makeScreen(io.stderr)
  const scrubber = makeScrubber()
  const note = (text: string) => screen.write(scrubber.scrub(text))
  return {
    scrubber,
    answer({ document, text }) {
      io.stdout.write(json ? renderDocument(document, scrubber) : scrubber.scrub(text))
    },
    error(error) {
      if (json) io.stdout.write(renderDocument({ error: reportError(error) }, scrubber))
      note(renderError(error, styleOfErrors(io)))
    },
    note,
    logger: async (level) => {
      if (level === 'silent') return silentLog
      const { makeLogger } = await import('./log.ts')
      return await makeLogger(level, io.stderr, screen, scrubber)
    },
    progress: (clock, totals) =>
      io.stderr.isTTY && !json ? makeTerminalProgress(screen, clock, totals) : makePlainProgress(screen),
  }
}

/** A log or a mail that errors go to keeps them in whole lines. */
const styleOfErrors = ({ stderr, environment }: Io): TextStyle =>
  textStyleOf(stderr, {
    timezone: 'UTC',
    width: stderr.isTTY ? widthOf(stderr, environment) : Number.POSITIVE_INFINITY,
  })

/** Strings are scrubbed before they become JSON, whose escapes would hide a secret. */
const renderDocument = (document: object, { scrub }: Scrubber): string =>
  `${JSON.stringify(document, (_key, value) => (typeof value === 'string' ? scrub(value) : value), 2)}\n`
