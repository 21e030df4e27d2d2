/** A stream that text is written to. `process.stdout` is one. */
export interface Sink {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
  hasColors?(): boolean
}

/** The streams and the user of one call of the program. Tests give their own. */
export interface Io {
  stdout: Sink
  stderr: Sink
  /** Environment variables of the process, from which the configuration and COLUMNS are read. */
  environment?: Record<string, string | undefined>
  /** User id of the process; undefined where the system has none. */
  userId: number | undefined
  /** Asks a person and answers the line that was typed; undefined where nobody can be asked. */
  ask: ((question: string, signal: AbortSignal) => Promise<string>) | undefined
}
