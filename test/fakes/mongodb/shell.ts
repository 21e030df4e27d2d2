import { runInNewContext } from 'node:vm'
import type { Fields } from './archive.ts'
import { connect, type State } from './server.ts'

/** As much of mongosh as the scripts of the product and of the tests use; they run as they are, on the state of when they log in. */
export function runScript(args: string[]): void {
  let session: { state: State; put: (state: State) => void } | undefined
  const state = (): State => {
    if (session === undefined) throw new Error('MongoServerError: Command requires authentication')
    return session.state
  }
  let isChanged = false
  const change = (database: string, name: string, documents: Fields[] | undefined) => {
    const { [name]: _, ...others } = state()[database] ?? {}
    state()[database] = documents === undefined ? others : { ...others, [name]: documents }
    isChanged = true
  }
  const collection = (database: string, name: string) => {
    const find = () => state()[database]?.[name] ?? []
    return {
      find,
      countDocuments: () => find().length,
      getIndexes: () => [{ name: '_id_' }],
      drop: () => change(database, name, undefined),
      insertMany: (added: Fields[]) => change(database, name, [...find(), ...added]),
    }
  }
  const commands: Record<string, (database: string) => object> = {
    hello: () => ({}),
    getCmdLineOpts: () => {
      throw new Error('MongoServerError: not authorized on admin to execute command { getCmdLineOpts: 1 }')
    },
    listDatabases: () => ({ databases: Object.keys(state()).map((name) => ({ name })) }),
    dbStats: (name) => ({ storageSize: JSON.stringify(state()[name] ?? {}).length, indexSize: 0 }),
  }
  const getDatabase = (name: string) => {
    const runCommand = (command: object) => commands[Object.keys(command)[0] ?? '']?.(name)
    return {
      auth: (user: string, password: string) => {
        const { get, put } = connect({ user, password })
        session = { state: get(), put }
      },
      version: () => state() && '7.0.14',
      runCommand,
      adminCommand: runCommand,
      getCollection: (of: string) => collection(name, of),
      getCollectionInfos: () => Object.keys(state()[name] ?? {}).map((of) => ({ name: of, type: 'collection' })),
    }
  }
  class Mongo {
    getDB = getDatabase
  }
  const print = (line: string) => process.stdout.write(`${line}\n`)
  const stringify = (document: Fields) => JSON.stringify(document)
  runInNewContext(args.at(-1) ?? '', { Mongo, process, print, EJSON: { stringify } })
  if (isChanged && session) session.put(session.state)
}
