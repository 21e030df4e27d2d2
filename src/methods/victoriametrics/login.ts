import { BackupError } from '../../errors.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import type { MethodContext } from '../method.ts'
import { describeSent } from '../shared/sent-secret.ts'

type Options = MethodOptions['victoriametrics']

/** The auth key of the snapshot pages (`-snapshotAuthKey`). Undefined where no label names its variable; AUTH_FAILED where that is not set. */
export const readAuthKey = (ctx: MethodContext, { authKeyEnv }: Options): string | undefined =>
  authKeyEnv === undefined ? undefined : readVariable(ctx, authKeyEnv, 'auth-key-env', '-snapshotAuthKey')

/** The login of all pages (`-httpAuth.*`) as `user:password`. Undefined where no label speaks of it; AUTH_FAILED as above. */
export function readLogin(ctx: MethodContext, { user, passwordEnv }: Options): string | undefined {
  if (user === undefined && passwordEnv === undefined) return undefined
  const password = passwordEnv && readVariable(ctx, passwordEnv, 'password-env', '-httpAuth.password')
  return `${user ?? ''}:${password ?? ''}`
}

function readVariable({ container }: MethodContext, name: string, label: string, flag: string): string {
  const value = container.environment.get(name)
  if (value) return value
  throw new BackupError('AUTH_FAILED', `the variable ${name} is not set in ${container.name}`, {
    hint: `xnai.backup.victoriametrics.${label} names a variable of the container that holds the ${flag}.`,
  })
}

/** AUTH_FAILED for an answer of 401 or 403 to `path`. `wantsLogin` tells that it asks for a user and a password and not for a key. */
export function explainRefusal(
  { container, ...options }: Options & Pick<MethodContext, 'container'>,
  what: string,
  { status, wantsLogin }: { status: number; wantsLogin: boolean },
) {
  const variable = wantsLogin ? options.passwordEnv : options.authKeyEnv
  const sent = describeSent({ variables: variable === undefined ? [] : [variable] }, container.environment)
  return new BackupError('AUTH_FAILED', `${what} was refused (HTTP ${status})`, {
    hint: `${sent} ${wantsLogin ? loginHint : keyHint}`,
  })
}

const loginHint =
  'xnai.backup.victoriametrics.user and …password-env (a variable of the container) must give the server’s -httpAuth.username and -httpAuth.password.'
const keyHint =
  'xnai.backup.victoriametrics.auth-key-env must name the variable that holds the server’s -snapshotAuthKey.'
