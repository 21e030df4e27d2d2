import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { authorization, type State } from './server.ts'

export interface Login {
  user?: string | undefined
  password?: string | undefined
}

/** The state, which `put` replaces. Synchronous, as everything is in a script of mongosh. */
export const connect = (login: Login) => ({
  get: (): State => JSON.parse(call(login, 'GET')),
  put: (state: State): void => void call(login, 'PUT', state),
})

function call({ user, password }: Login, method: string, state?: State): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'main.ts'), 'request', method],
    {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      input: JSON.stringify(state ?? null),
      env: { LOGIN: authorization(user, password) },
    },
  )
  if (status !== 0) throw new Error(stderr.replace(/.*Failed: /, '').trim())
  return stdout
}

/** The program behind `call`: the one request, its answer on standard output. */
export async function request(method: string): Promise<void> {
  const body = await text(process.stdin)
  const headers = { authorization: process.env.LOGIN ?? '' }
  const url = 'http://127.0.0.1:27017/'
  const answer = await fetch(url, { method, headers, ...(method === 'PUT' && { body }) }).catch(() => {
    throw new Error('MongoNetworkError: connect ECONNREFUSED 127.0.0.1:27017')
  })
  const said = await answer.text()
  if (answer.status === 401) throw new Error('MongoServerError: Authentication failed.')
  if (answer.status === 507) throw new Error(`MongoServerError: (OutOfDiskSpace) ${said}`)
  process.stdout.write(said)
}
