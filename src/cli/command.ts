import type { Command } from 'commander'
import type { Outcome } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import type { ErrorReport } from '../errors.ts'
import type { Parts, Progress } from '../job/job.ts'
import type { KnownRepository } from '../repository/known-repository.ts'
import type { Tier } from '../repository/repository.ts'
import type { Io } from './io.ts'
import type { TextStyle } from './render/text-style.ts'

/** Everything that a command works with. */
export interface Session {
  parts: Parts & { repositories: ReadonlyMap<Tier, KnownRepository> }
  config: Config
  io: Io
  /** How text for stdout looks. */
  style: TextStyle
  signal: AbortSignal
  /** Removes the secrets that this process knows from a text (P9). */
  scrub(text: string): string
  /** Writes text for people to stderr, beside progress and log. */
  note(text: string): void
  /** Shows progress on stderr until it is disposed. `totals`: expected bytes by the key of the target. */
  progress(totals: ReadonlyMap<string, number>): Progress & Disposable
}

/** The result of a command: it is printed and turned into an exit code. */
export interface Answer {
  /** The one document of `--json`: contract, section 5. */
  document: object
  /** The same for people; ends with a newline, or is empty. */
  text: string
  outcome: Outcome
  /** The errors of targets that failed; they decide between the exit codes of a failure. */
  errors?: ErrorReport[]
}

/** The answer where the parts that a command would work with cannot be opened. Absent: the command fails with the error. */
export type Unopened = (error: unknown, style: TextStyle) => Answer

/** A command whose arguments were read. Resolves to undefined when there is nothing to print. */
export type RunCommand = (session: Session) => Promise<Answer | undefined>

/**
 * What a command does to the stack, which decides what happens before it runs.
 * - `read` shows something. It runs even when the leftovers of dead runs cannot be found, and leaves them to a living controller.
 * - `recall` shows what the catalog or the repositories hold. It runs while the engine is away, and leaves the leftovers of dead runs to
 *   others.
 * - `change` stops services or replaces data. It does not run when the leftovers of dead runs cannot be looked for.
 * - `diagnose` looks for what is wrong. It runs while anything is away, and leaves the leftovers of dead runs to others.
 * - `daemon` is the controller, which deals with leftovers in every pass and always writes its log.
 */
export type CommandKind = 'read' | 'recall' | 'change' | 'diagnose' | 'daemon'

/** One command of the program. Each has a file in `commands/` and a line in `program.ts`. */
export interface CommandDefinition {
  kind: CommandKind
  /** Adds the command to the program. Its action MUST call `choose` with what is to be run. */
  define(program: Command, choose: (run: RunCommand, unopened?: Unopened) => void): void
  unopened?: Unopened
}
