/** Where a program in the container finds its password. Names and paths only: the value never leaves the container. */
export interface SecretSource {
  /** Variable of the container that holds the password. */
  variable?: string
  /** File in the container that holds it. */
  file?: string
}

/**
 * Lines for `/bin/sh` that export the password under the name the tool reads it by. An unset or empty variable exports nothing, so
 * that a service without a password works too. The file's path comes by `secretEnvironment`.
 */
export function exportSecret(name: string, { variable, file }: SecretSource): string {
  if (file !== undefined) return `${name}=$(cat -- "$XNAI_SECRET_FILE") || exit ${unreadableSecret}; export ${name}`
  if (variable === undefined) return ':'
  requireVariableName(variable)
  return `if [ -n "\${${variable}-}" ]; then ${name}="$${variable}"; export ${name}; fi`
}

/** Before it becomes part of a script: labels are read as such names only, and nothing else may ever stand there. */
export function requireVariableName(text: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) throw new RangeError(`no name of a variable: ${text}`)
}

/** Environment that `exportSecret` needs. */
export function secretEnvironment({ file }: SecretSource): Record<string, string> {
  return file === undefined ? {} : { XNAI_SECRET_FILE: file }
}

/** Exit code of a script whose password file cannot be read. */
export const unreadableSecret = 96
