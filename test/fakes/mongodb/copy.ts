import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readArchive } from '../../../src/methods/mongodb/archive.ts'
import { readBson } from '../../../src/methods/mongodb/bson.ts'
import { archiveOf } from './archive.ts'
import { connect } from './server.ts'

/** mongodump: all databases, the accounts of the server with them. */
export async function dump(args: string[]): Promise<void> {
  const state = { ...logIn(args).get(), admin: { 'system.users': [{ _id: 'admin.root' }] } }
  const collections = Object.entries(state).flatMap(([db, named]) =>
    Object.entries(named).map(([name, documents]) => ({ db, name, documents })),
  )
  if (!process.stdout.write(archiveOf(collections))) await once(process.stdout, 'drain')
  process.stderr.write('done dumping\n')
}

/** mongorestore --drop: each collection once it is whole. */
export async function restore(args: string[]): Promise<void> {
  const server = logIn(args)
  const read = new Map<string, Buffer[]>()
  let documents: Buffer[] = []
  let count = 0
  const { write, finish } = readArchive((piece) => {
    if (piece.part === 'document')
      documents.push(piece.begins ? piece.bytes : Buffer.concat([documents.pop() ?? Buffer.alloc(0), piece.bytes]))
    if (piece.part !== 'namespace') return
    const { db, collection, EOF } = piece.fields
    const name = `${db}.${collection}`
    documents = read.get(name) ?? []
    read.set(name, documents)
    if (EOF !== true) return
    count += documents.length
    const state = server.get()
    server.put({ ...state, [`${db}`]: { ...state[`${db}`], [`${collection}`]: documents.map(readBson) } })
  })
  for await (const chunk of process.stdin) write(chunk)
  finish()
  process.stderr.write(`${count} document(s) restored successfully. 0 document(s) failed to restore.\n`)
}

function logIn(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      archive: { type: 'boolean' },
      oplog: { type: 'boolean' },
      drop: { type: 'boolean' },
      stopOnError: { type: 'boolean' },
      port: { type: 'string' },
      config: { type: 'string' },
      username: { type: 'string' },
      authenticationDatabase: { type: 'string' },
    },
  })
  const line = values.config === undefined ? '' : readFileSync(values.config, 'utf8')
  const password = /^password: '(.*)'\n$/s.exec(line)?.[1]?.replaceAll("''", "'")
  return connect({ user: values.username, password })
}
