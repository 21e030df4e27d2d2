/** Where a program in the container finds its password. It holds names and paths only: the password never leaves the container. */
export interface SecretSource {
  /** The name of a variable of the container that holds the password. */
  variable?: string
  /** The path of a file in the container that holds it. */
  file?: string
}

/**
 * Lines for `/bin/sh` that export the password under the name by which the tool reads it. An unset or empty variable exports nothing, so
 * that a service without a password works too. The path of the file comes by `secretEnvironment`.
 */
export function exportSecret(name: string, { variable, file }: SecretSource): string {
  if (file !== undefined) return `${name}=$(cat -- "$XNAI_SECRET_FILE") || exit ${unreadableSecret}; export ${name}`
  if (variable === undefined) return ':'
  requireVariableName(variable)
  return `if [ -n "\${${variable}-}" ]; then ${name}="$${variable}"; export ${name}; fi`
}

/** The environment that the lines of `exportSecret` need. */
export function secretEnvironment({ file }: SecretSource): Record<string, string> {
  return file === undefined ? {} : { XNAI_SECRET_FILE: file }
}

/**
 * Lines for `/bin/sh` that set `name` from the first of the container's `variables` that is there: as a value, or as the path of a file
 * under the same name with `_FILE`, as official images take their passwords. Without any of them `name` stays as it is.
 */
export function takeFirstSecret(name: string, variables: string[]): string {
  const branches = variables.map((variable) => {
    requireVariableName(variable)
    const file = `${variable}_FILE`
    return [
      `if [ -n "\${${variable}-}" ]; then ${name}=$${variable}`,
      `elif [ -n "\${${file}-}" ]; then ${name}=$(cat -- "$${file}") || exit ${unreadableSecret}`,
    ].join('\n')
  })
  return `${branches.join('\nel')}\nfi`
}

/** A text MUST pass here before it becomes part of a script: nothing but the name of a variable may ever stand there. */
function requireVariableName(text: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) throw new RangeError(`no name of a variable: ${text}`)
}

/** The exit code of a script whose password file cannot be read. */
export const unreadableSecret = 96
