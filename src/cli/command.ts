import type { Command } from 'commander'
import type { Outcome } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import type { ErrorReport } from '../errors.ts'
import type { Parts, Progress } from '../job/job.ts'
import type { TextStyle } from './render/text-style.ts'

/** Where text goes. `process.stdout` is one. */
export interface Sink {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
  hasColors?(): boolean
}

/** The outside of a command: a terminal, a pipe, or a test. */
export interface Io {
  stdout: Sink
  stderr: Sink
  /** Absent: that of the process. */
  environment?: Record<string, string | undefined>
  /** User id of the process; undefined where the system has none. */
  userId: number | undefined
  /** Asks a person and answers the line typed; undefined where nobody can be asked. */
  ask: ((question: string, signal: AbortSignal) => Promise<string>) | undefined
}

/** All that a command works with. */
export interface Session {
  parts: Parts
  config: Config
  io: Io
  /** How text for stdout looks. */
  style: TextStyle
  signal: AbortSignal
  /** Text for people on stderr, beside progress and log. */
  note(text: string): void
  /** Progress on stderr until it is disposed. `totals`: expected bytes by target name. */
  progress(totals: ReadonlyMap<string, number>): Progress & Disposable
}

/** What a command found out: printed and turned into an exit code by main. */
export interface Answer {
  /** The one document of `--json`: contract, section 5. */
  document: object
  /** The same for people; ends with a newline, or is empty. */
  text: string
  outcome: Outcome
  /** Why targets failed; decides between the exit codes of a failure. */
  errors?: ErrorReport[]
}

/** A command with its arguments read. `run` answers nothing: it only ends. */
export interface Invocation {
  name: string
  run(session: Session): Promise<Answer | undefined>
}

/** Adds one command to the program; `choose` is called when the arguments name it. */
export type Define = (program: Command, choose: (run: Invocation['run']) => void) => void
