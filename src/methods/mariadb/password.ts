import type { MethodOptions } from '../../labels/spec.ts'
import { requireVariableName, unreadableSecret } from '../shared/secret.ts'

/**
 * Lines for `/bin/sh` that export MYSQL_PWD from the container's own variables: the one that the label names, else those by which the
 * official images take the password, as a value or as the path of a file. Without any the server's own rule (its socket) decides.
 */
export function exportPassword({ user, passwordEnv }: MethodOptions['mariadb']): string {
  const own =
    user === 'root' ? ['MARIADB_ROOT_PASSWORD', 'MYSQL_ROOT_PASSWORD'] : ['MARIADB_PASSWORD', 'MYSQL_PASSWORD']
  const branches = (passwordEnv === undefined ? own : [passwordEnv]).map(takeFrom)
  return `${branches.join('\nel')}\nfi\n[ -z "\${MYSQL_PWD-}" ] || export MYSQL_PWD`
}

function takeFrom(variable: string): string {
  requireVariableName(variable)
  const file = `${variable}_FILE`
  return [
    `if [ -n "\${${variable}-}" ]; then MYSQL_PWD=$${variable}`,
    `elif [ -n "\${${file}-}" ]; then MYSQL_PWD=$(cat -- "$${file}") || exit ${unreadableSecret}`,
  ].join('\n')
}
