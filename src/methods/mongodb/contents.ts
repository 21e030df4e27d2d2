import { damaged, readArchive } from './archive.ts'
import type { BsonValue } from './bson.ts'

/** What an archive holds. */
export interface ArchiveContents {
  serverVersion: string
  collections: CollectionFacts[]
  /** The number of documents by namespace: `database.collection`. */
  documents: Map<string, number>
}

export interface CollectionFacts {
  database: string
  name: string
  /** `collection`, `view` or `timeseries`. */
  type: string
  /** The size of its documents, as the server counts them. */
  bytes: number
  indexes: number
}

/** The contents before anything was read. */
export const noContents = (): ArchiveContents => ({ serverVersion: '', collections: [], documents: new Map() })

/** The namespace of the operations that `--oplog` adds: what was written while the collections were read. */
export const oplogNamespace = '.oplog'

/** The server's own databases hold its accounts and settings. They are backed up, and not restored. */
export const serverDatabases = ['admin', 'config', 'local']

export const isOfServer = (database: string): boolean => serverDatabases.includes(database)

/** Counts in `found` what goes by in `write`. `finish` throws DUMP_FAILED where the archive is not whole. */
export function scanArchive(found: ArchiveContents): { write(chunk: Buffer): void; finish(): void } {
  const ended = new Set<string>()
  let namespace = ''
  const count = (more: number) => found.documents.set(namespace, (found.documents.get(namespace) ?? 0) + more)
  const { write, finish } = readArchive((piece) => {
    if (piece.part === 'head') found.serverVersion = String(piece.fields.server_version ?? '')
    if (piece.part === 'collection') found.collections.push(describeCollection(piece.fields))
    if (piece.part === 'document' && piece.begins) count(1)
    if (piece.part !== 'namespace') return
    namespace = `${piece.fields.db}.${piece.fields.collection}`
    count(0)
    if (piece.fields.EOF === true) ended.add(namespace)
  })
  const finishWhole = () => {
    finish()
    const stored = found.collections.filter(({ type, bytes }) => type === 'collection' && bytes > 0)
    const expected = [...found.documents.keys(), ...stored.map(({ database, name }) => `${database}.${name}`)]
    const missing = expected.find((name) => !ended.has(name))
    if (missing !== undefined) throw damaged(`the end of ${missing} is missing`)
  }
  return { write, finish: finishWhole }
}

/**
 * Passes on an archive without the server's own databases. mongorestore would replace all accounts, including the one that the backup logs
 * in by, and it takes no exclusion together with `--oplogReplay`.
 */
export async function* withoutServerDatabases(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let out: Buffer[] = []
  let passes = true
  const { write, finish } = readArchive((piece) => {
    const { part } = piece
    const isOurs = (part === 'collection' || part === 'namespace') && !isOfServer(String(piece.fields.db))
    if (part === 'namespace') passes = isOurs
    if (part === 'collection' ? isOurs : passes) out.push(piece.bytes)
  })
  for await (const chunk of source) {
    write(chunk)
    if (out.length > 0) yield Buffer.concat(out)
    out = []
  }
  finish()
}

function describeCollection({ db, collection, type, size, metadata }: Record<string, BsonValue>): CollectionFacts {
  const described = JSON.parse(String(metadata || '{}'))
  return {
    database: String(db ?? ''),
    name: String(collection),
    type: String(type || 'collection'),
    bytes: Number(size ?? 0),
    indexes: Array.isArray(described.indexes) ? described.indexes.length : 0,
  }
}
