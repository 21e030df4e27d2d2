import type { MethodOptions } from '../../labels/spec.ts'
import { takeFirstSecret } from '../shared/secret.ts'

/** The variable of the official image that holds the password. */
export const usualPassword = 'MONGO_INITDB_ROOT_PASSWORD'

/**
 * Lines for `/bin/sh` that run one of MongoDB's programs with the login from variables of the container: those that the labels name, else
 * those of the official image. mongosh finds the password in its environment. The two tools read it from a configuration that exists only
 * in a pipe (https://www.mongodb.com/docs/database-tools/mongodump/#std-option-mongodump.--config).
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
    'XNAI_USER= XNAI_PASSWORD=',
    user === undefined
      ? takeFirstSecret('XNAI_USER', ['MONGO_INITDB_ROOT_USERNAME'])
      : `XNAI_USER=${quoteForShell(user)}`,
    takeFirstSecret('XNAI_PASSWORD', [passwordEnv ?? usualPassword]),
    'export XNAI_USER XNAI_PASSWORD',
  ]
}

/** In YAML a single quote is written twice. The shell itself does that, because other programs may not be in the image. */
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
