import { BackupError } from '../../errors.ts'

/** The places that a password or a key is looked for in, in their order. */
export interface SecretPlaces {
  /** The path of a file in the container. It comes before all variables. */
  file?: string | undefined
  /** Names of variables of the container. */
  variables: string[]
  /** Also takes the path of a file from the variable of the same name with `_FILE`. Default false. */
  orFile?: boolean
}

/**
 * Says which place the password or key came from, in a sentence without it. A name that is no variable of the container is not
 * repeated: somebody may have written the password itself there.
 */
export function describeSent(places: SecretPlaces, environment: ReadonlyMap<string, string>): string {
  const place = findPlace(places, environment)
  return place === undefined
    ? 'Nothing was sent: no place that the secret is looked for in holds one.'
    : `The server refused what ${place} holds.`
}

function findPlace(
  { file, variables, orFile = false }: SecretPlaces,
  environment: ReadonlyMap<string, string>,
): string | undefined {
  if (file !== undefined) return `the file ${file}`
  const isSet = (name: string) => (environment.get(name) ?? '') !== ''
  for (const variable of variables) {
    if (isSet(variable)) return `the variable ${variable}`
    if (orFile && isSet(`${variable}_FILE`)) return `the file of the variable ${variable}_FILE`
  }
  return undefined
}

/** Begins the hint of a refused login with what was sent. Any other error stays as it is, such as one of rights. */
export function explainLogin(error: BackupError, sent: string): BackupError {
  if (error.code !== 'AUTH_FAILED' || !error.message.includes('refused the login')) return error
  return new BackupError('AUTH_FAILED', error.message, { cause: error.cause, hint: `${sent} ${error.hint}` })
}
