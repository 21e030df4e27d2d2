import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { Fields } from './archive.ts'

/** Documents of each collection, by database and name. */
export type State = Record<string, Record<string, Fields[]>>

export interface Login {
  user?: string | undefined
  password?: string | undefined
}

const stateFile = '/data/db/state.json'
/** There while the server runs; tells who may log in. */
const runFile = '/run/mongod'

/** It only is there: the tools read and write its state themselves. */
export function serve(): void {
  const { MONGO_INITDB_ROOT_USERNAME: user, MONGO_INITDB_ROOT_PASSWORD: password } = process.env
  writeFileSync(runFile, digest({ user, password }))
  const hold = setInterval(() => undefined, 2 ** 30)
  process.once('SIGTERM', () => {
    rmSync(runFile)
    clearInterval(hold)
  })
}

/**
 * Its state as of now, which `put` replaces; the words of the real programs where there is no server, or not for this
 * login.
 */
export function connect(login: Login): { get(): State; put(state: State): void } {
  if (!existsSync(runFile)) throw new Error('MongoNetworkError: connect ECONNREFUSED 127.0.0.1:27017')
  if (readFileSync(runFile, 'utf8') !== digest(login)) throw new Error('MongoServerError: Authentication failed.')
  return {
    get: () => (existsSync(stateFile) ? JSON.parse(readFileSync(stateFile, 'utf8')) : {}),
    put: (state) => {
      try {
        writeFileSync(`${stateFile}.new`, JSON.stringify(state))
        renameSync(`${stateFile}.new`, stateFile)
      } catch (error) {
        throw new Error(`MongoServerError: (OutOfDiskSpace) ${(error as Error).message}`)
      }
    },
  }
}

const digest = ({ user = '', password = '' }: Login): string =>
  createHash('sha256').update(`${user}:${password}`).digest('hex')
