import type { MethodOptions } from '../../labels/spec.ts'
import { requireVariableName, unreadableSecret } from '../shared/secret.ts'

/**
 * Lines for `/bin/sh` that run one of MongoDB's programs with the login of the container's own variables: those that the labels name, else
 * those of the official image. The shell finds the password in its environment; the two tools read it from a configuration that exists
 * in a pipe alone (https://www.mongodb.com/docs/database-tools/mongodump/#std-option-mongodump.--config).
 */
export function toolScript(tool: string, options: MethodOptions['mongodb']): string {
  return [
    `command -v ${tool} >/dev/null || exit 127`,
    ...login(options),
    ...(tool === 'mongosh' ? ['exec mongosh "$@"'] : callWithConfiguration(tool)),
  ].join('\n')
}

function login({ user, passwordEnv }: MethodOptions['mongodb']): string[] {
  return [
    ...(user === undefined ? take('XNAI_USER', 'MONGO_INITDB_ROOT_USERNAME') : [`XNAI_USER=${quoteForShell(user)}`]),
    ...take('XNAI_PASSWORD', passwordEnv ?? 'MONGO_INITDB_ROOT_PASSWORD'),
    'export XNAI_USER XNAI_PASSWORD',
  ]
}

/** A value that stands in a variable of the container, or in the file that one names. */
function take(name: string, variable: string): string[] {
  requireVariableName(variable)
  return [
    `${name}=\${${variable}-}`,
    `if [ -z "$${name}" ] && [ -n "\${${variable}_FILE-}" ]; then ${name}=$(cat -- "$${variable}_FILE") || exit ${unreadableSecret}; fi`,
  ]
}

/** A single quote is written twice in YAML; no program that might not be there does it. */
function callWithConfiguration(tool: string): string[] {
  return [
    `[ -n "$XNAI_PASSWORD" ] || exec ${tool} "$@"`,
    `rest=$XNAI_PASSWORD yaml= quote="'"`,
    `while [ "\${rest#*"$quote"}" != "$rest" ]; do yaml="$yaml\${rest%%"$quote"*}$quote$quote"; rest=\${rest#*"$quote"}; done`,
    'exec 4<&0',
    `printf "password: '%s'\\n" "$yaml$rest" | {`,
    '  exec 3<&0 0<&4 4<&-',
    `  exec ${tool} --config /dev/fd/3 --username "$XNAI_USER" --authenticationDatabase admin "$@"`,
    '}',
  ]
}

const quoteForShell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
