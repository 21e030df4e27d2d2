/** Archives as pg_dump writes them in custom format, uncompressed. */

export interface FakeEntry {
  kind: string
  schema?: string
  name?: string
  definition?: string
  /** The data of a table as it stands in the archive, its end included; for `BLOBS` a text for each large object. */
  data?: string | string[]
}

/** An archive of the format `1.minor`. */
export function pgArchive(entries: FakeEntry[], minor = 16): Buffer {
  const head = [Buffer.from('PGDMP'), Buffer.from([1, minor, 0, 4, 8, 1])]
  const compression = minor >= 15 ? Buffer.from([0]) : int(0)
  const time = [0, 0, 2, 1, 0, 126, 0].map(int)
  const texts = ['shop', '17.6', '17.6'].map(text)
  const contents = entries.map((entry, index) => contentsOf(entry, index + 1, minor))
  const blocks = entries.map((entry, index) => blockOf(entry, index + 1))
  return Buffer.concat([...head, compression, ...time, ...texts, int(entries.length), ...contents, ...blocks])
}

/** The data of a table with these rows. */
export const copyData = (rows: string[]): string => `${rows.map((row) => `${row}\n`).join('')}\\.\n\n\n`

function contentsOf({ kind, schema, name = '', definition, data }: FakeEntry, id: number, minor: number): Buffer {
  return Buffer.concat([
    ...[int(id), int(data === undefined ? 0 : 1), text('1259'), text('16384'), text(name), text(kind), int(2)],
    ...[text(definition), text(undefined), text(undefined), text(schema), text('')],
    ...(minor >= 14 ? [text('heap')] : []),
    ...(minor >= 16 ? [int(114)] : []),
    ...[text('app'), text('false'), text('3'), text('7'), text(undefined), Buffer.from([1]), Buffer.alloc(8)],
  ])
}

function blockOf({ data }: FakeEntry, id: number): Buffer {
  if (data === undefined) return Buffer.alloc(0)
  if (typeof data === 'string') return Buffer.concat([Buffer.from([1]), int(id), pieces(data)])
  const objects = data.flatMap((content, index) => [int(4711 + index), pieces(content)])
  return Buffer.concat([Buffer.from([3]), int(id), ...objects, int(0)])
}

/** A piece for each line, as pg_dump writes rows. */
function pieces(data: string): Buffer {
  const lines = data.match(/[^\n]*\n|[^\n]+/g) ?? []
  return Buffer.concat([...lines.flatMap((line) => [int(Buffer.byteLength(line)), Buffer.from(line)]), int(0)])
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes[0] = value < 0 ? 1 : 0
  bytes.writeUInt32LE(Math.abs(value), 1)
  return bytes
}

const text = (value: string | undefined): Buffer =>
  value === undefined ? int(-1) : Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)])
