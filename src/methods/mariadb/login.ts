import type { MethodOptions } from '../../labels/spec.ts'
import { takeFirstSecret } from '../shared/secret.ts'

/** Who logs in. */
export interface Login {
  user: string
  /** The variables of the container of which the first that is there holds the password. */
  passwordVariables: string[]
}

/**
 * Answers the login of the labels. Without labels it is root, except in a container whose image gave root a random password, which
 * nobody knows: there it is the user that the image made for the application.
 */
export function chooseLogin(
  { user, passwordEnv }: MethodOptions['mariadb'],
  environment: ReadonlyMap<string, string>,
): Login {
  if (passwordEnv !== undefined) return { user, passwordVariables: [passwordEnv] }
  const application = environment.get('MARIADB_USER') || environment.get('MYSQL_USER')
  if (user === 'root' && application && hasRandomRoot(environment))
    return { user: application, passwordVariables: passwordsOf('PASSWORD') }
  return { user, passwordVariables: passwordsOf(user === 'root' ? 'ROOT_PASSWORD' : 'PASSWORD') }
}

/** The names under which the official images take a password. */
const passwordsOf = (what: string): string[] => [`MARIADB_${what}`, `MYSQL_${what}`]

function hasRandomRoot(environment: ReadonlyMap<string, string>): boolean {
  const isSet = (name: string) => (environment.get(name) ?? '') !== ''
  const isKnown = passwordsOf('ROOT_PASSWORD').some((name) => isSet(name) || isSet(`${name}_FILE`))
  return !isKnown && passwordsOf('RANDOM_ROOT_PASSWORD').some(isSet)
}

/** Lines for `/bin/sh` that export MYSQL_PWD. Without any of the variables the server's own rule for its socket decides. */
export function exportPassword({ passwordVariables }: Login): string {
  return `${takeFirstSecret('MYSQL_PWD', passwordVariables)}\n[ -z "\${MYSQL_PWD-}" ] || export MYSQL_PWD`
}
