import { runInNewContext } from 'node:vm'
import type { Fields } from './archive.ts'
import { connect, type State } from './server.ts'

/** What one script has to do with the server, from its login on. */
interface Session {
  server?: ReturnType<typeof connect>
  state?: State
  isChanged: boolean
}

/**
 * As much of mongosh as the scripts of the product and of the tests use; they run as they are, on the state of when
 * they log in.
 */
export function runScript(args: string[]): void {
  const session: Session = { isChanged: false }
  class Mongo {
    getDB = (name: string) => databaseOf(session, name)
  }
  const print = (line: string) => process.stdout.write(`${line}\n`)
  const stringify = (document: Fields) => JSON.stringify(document)
  runInNewContext(args.at(-1) ?? '', { Mongo, process, print, EJSON: { stringify } })
  if (session.isChanged) session.server?.put(stateOf(session))
}

function stateOf({ state }: Session): State {
  if (state === undefined) throw new Error('MongoServerError: Command requires authentication')
  return state
}

function databaseOf(session: Session, name: string) {
  const commands: Record<string, () => object> = {
    hello: () => ({}),
    getCmdLineOpts: () => {
      throw new Error('MongoServerError: not authorized on admin to execute command { getCmdLineOpts: 1 }')
    },
    listDatabases: () => ({ databases: Object.keys(stateOf(session)).map((database) => ({ name: database })) }),
    dbStats: () => ({ storageSize: JSON.stringify(stateOf(session)[name] ?? {}).length, indexSize: 0 }),
  }
  const runCommand = (command: object) => commands[Object.keys(command)[0] ?? '']?.()
  return {
    auth: (user: string, password: string) => {
      session.server = connect({ user, password })
      session.state = session.server.get()
    },
    version: () => stateOf(session) && '7.0.14',
    runCommand,
    adminCommand: runCommand,
    getCollection: (of: string) => collectionOf(session, name, of),
    getCollectionInfos: () => Object.keys(stateOf(session)[name] ?? {}).map((of) => ({ name: of, type: 'collection' })),
  }
}

function collectionOf(session: Session, database: string, name: string) {
  const find = () => stateOf(session)[database]?.[name] ?? []
  const change = (documents: Fields[] | undefined) => {
    const { [name]: _, ...others } = stateOf(session)[database] ?? {}
    stateOf(session)[database] = documents === undefined ? others : { ...others, [name]: documents }
    session.isChanged = true
  }
  return {
    find,
    countDocuments: () => find().length,
    getIndexes: () => [{ name: '_id_' }],
    drop: () => change(undefined),
    insertMany: (added: Fields[]) => change([...find(), ...added]),
  }
}
