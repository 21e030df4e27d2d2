/** An archive as mongodump writes it. */
export function archiveOf(
  collections: FakeCollection[],
  more: { oplog?: number; serverVersion?: string } = {},
): Buffer {
  const { oplog, serverVersion = '7.0.14' } = more
  const head = bson({
    concurrent_collections: 4,
    version: '0.1',
    server_version: serverVersion,
    tool_version: '100.10.0',
  })
  const prelude = collections.map(({ db, name, type = 'collection', indexes = 1, ...collection }) => {
    const documents = fieldsOf(collection.documents, name)
    const metadata = JSON.stringify({
      indexes: Array.from({ length: indexes }, (_, index) => ({ v: 2, name: `i${index}` })),
      type,
    })
    return bson({ db, collection: name, metadata, size: documents.length * 100, type })
  })
  const stored = collections.filter(({ type = 'collection' }) => type === 'collection')
  const streams = [
    ...stored.map(({ db, name, documents }) => ({ db, collection: name, documents: fieldsOf(documents, name) })),
    ...(oplog === undefined ? [] : [{ db: '', collection: 'oplog', documents: fieldsOf(oplog, 'oplog') }]),
  ]
  // Collections come interleaved: the first half of each, then the rest.
  const half = ({ length }: Fields[]) => Math.ceil(length / 2)
  const first = streams.map(({ documents, ...name }) =>
    block({ ...name, EOF: false, CRC: 0n }, documents.slice(0, half(documents))),
  )
  const rest = streams.map(({ documents, ...name }) =>
    block({ ...name, EOF: false, CRC: 0n }, documents.slice(half(documents))),
  )
  const ends = streams.map(({ documents: _, ...name }) => block({ ...name, EOF: true, CRC: 4711n }, []))
  return Buffer.concat([Buffer.from('6de29981', 'hex'), head, ...prelude, end, ...first, ...rest, ...ends])
}

export interface FakeCollection {
  db: string
  name: string
  type?: string
  /** Their number, where their content does not matter. */
  documents?: number | Fields[]
  indexes?: number
}

const end = Buffer.from('ffffffff', 'hex')

const block = (header: Fields, documents: Fields[]) => Buffer.concat([bson(header), ...documents.map(bson), end])

const fieldsOf = (documents: number | Fields[] = 0, text: string): Fields[] =>
  typeof documents === 'number'
    ? Array.from({ length: documents }, (_, n) => ({ _id: n, text: text.repeat(n + 1) }))
    : documents

type Field = string | number | bigint | boolean | null
export type Fields = Record<string, Field>

function bson(fields: Fields): Buffer {
  const elements = Object.entries(fields).map(([name, value]) => {
    const { type, bytes } = encode(value)
    return Buffer.concat([Buffer.from([type]), Buffer.from(`${name}\0`), bytes])
  })
  const body = Buffer.concat([...elements, Buffer.from([0])])
  const length = Buffer.alloc(4)
  length.writeInt32LE(body.length + 4)
  return Buffer.concat([length, body])
}

function encode(value: Field): { type: number; bytes: Buffer } {
  if (value === null) return { type: 0x0a, bytes: Buffer.alloc(0) }
  if (typeof value === 'boolean') return { type: 0x08, bytes: Buffer.from([value ? 1 : 0]) }
  const bytes = Buffer.alloc(typeof value === 'bigint' ? 8 : 4)
  if (typeof value === 'bigint') bytes.writeBigInt64LE(value)
  else if (typeof value === 'number') bytes.writeInt32LE(value)
  if (typeof value === 'bigint') return { type: 0x12, bytes }
  if (typeof value === 'number') return { type: 0x10, bytes }
  const text = Buffer.from(`${value}\0`)
  bytes.writeInt32LE(text.length)
  return { type: 0x02, bytes: Buffer.concat([bytes, text]) }
}
