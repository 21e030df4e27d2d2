/** Which lines of an output tell why a program failed. */
export interface ErrorLines {
  /** What a line says that names an error. */
  names: RegExp
  /** How many of these lines are told: so many from the first on, or the last ones. Default: all. */
  first?: number
  last?: number
  /** How many of the last lines are told where none names an error. Default: none. */
  otherwise?: number
}

/**
 * Picks the lines of an output that name an error. The others show progress, or quote a whole statement, which hides the error and may
 * hold a secret.
 */
export function pickErrorLines(output: string, { names, first, last, otherwise = 0 }: ErrorLines): string[] {
  const lines = output.trim().split('\n')
  const errors = lines.filter((line) => names.test(line))
  if (errors.length === 0) return lines.slice(Math.max(0, lines.length - otherwise))
  return last === undefined ? errors.slice(0, first) : errors.slice(-last)
}
