import { once } from 'node:events'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Fields } from './archive.ts'

/** Documents of each collection, by database and name. */
export type State = Record<string, Record<string, Fields[]>>

const file = '/data/db/state.json'

/** Gives and takes all of its state at once, in one file. */
export async function serve(): Promise<void> {
  const { MONGO_INITDB_ROOT_USERNAME: user, MONGO_INITDB_ROOT_PASSWORD: password } = process.env
  const login = authorization(user, password)
  const answer = async (request: IncomingMessage): Promise<[number, string]> => {
    if (request.headers.authorization !== login) return [401, 'Authentication failed.']
    if (request.method === 'GET') return [200, existsSync(file) ? readFileSync(file, 'utf8') : '{}']
    const state = await text(request)
    try {
      writeFileSync(`${file}.new`, state)
      renameSync(`${file}.new`, file)
      return [200, '']
    } catch (error) {
      return [507, (error as Error).message]
    }
  }
  const server = createServer(async (request, response) => {
    const [status, body] = await answer(request)
    response.writeHead(status).end(body)
  })
  process.once('SIGTERM', () => process.exit(0))
  server.listen(27017, '127.0.0.1')
  await once(server, 'listening')
}

export const authorization = (user = '', password = ''): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
