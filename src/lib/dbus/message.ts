/** Messages of D-Bus as bytes: https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol-messages */

/** A call of a method. Its arguments are texts, which is all that the callers of this program need. */
export interface Call {
  /** Absent where the peer is the service itself and not a bus. */
  destination?: string
  path: string
  interface: string
  member: string
  args: string[]
}

export interface Message {
  /** `signal` stands for everything that answers no call. */
  type: 'return' | 'error' | 'signal'
  /** The serial of the call that it answers. */
  replySerial?: number
  /** The name of an error, such as `org.freedesktop.systemd1.NoSuchUnit`. */
  errorName?: string
  body: Value[]
}

/**
 * Numbers of 64 bits come as numbers and lose digits beyond 2^53. A struct and an entry of a dictionary come as arrays, a variant as
 * what it holds.
 */
export type Value = string | number | boolean | Value[]

/** The bytes from which the length of a message can be told. */
export const headBytes = 16

const LITTLE_ENDIAN = 'l'.charCodeAt(0)
const METHOD_CALL = 1
const PROTOCOL_VERSION = 1
/** Codes of header fields. */
const field = { path: 1, interface: 2, member: 3, errorName: 4, replySerial: 5, destination: 6, signature: 8 } as const

export function encodeCall(call: Call, serial: number): Buffer {
  const body = makeWriter()
  for (const arg of call.args) body.text(arg)
  const fields = makeWriter()
  fields.field(field.path, 'o', call.path)
  fields.field(field.interface, 's', call.interface)
  fields.field(field.member, 's', call.member)
  if (call.destination !== undefined) fields.field(field.destination, 's', call.destination)
  if (call.args.length > 0) fields.field(field.signature, 'g', 's'.repeat(call.args.length))
  const head = makeWriter()
  head.bytes(LITTLE_ENDIAN, METHOD_CALL, 0, PROTOCOL_VERSION)
  head.uint(body.length())
  head.uint(serial)
  head.uint(fields.length())
  fields.align(8)
  return Buffer.concat([head.whole(), fields.whole(), body.whole()])
}

/** The length of the whole message that begins with these bytes. */
export function messageBytes(head: Buffer): number {
  const { uint } = makeReader(head, 4)
  const body = uint()
  uint()
  return headBytes + padded(uint(), 8) + body
}

export function decodeMessage(bytes: Buffer): Message {
  const header = makeReader(bytes, headBytes - 4)
  const fields = new Map(header.list('(yv)').map((entry) => entry as [number, Value]))
  header.align(8)
  const signature = fields.get(field.signature)
  const replySerial = fields.get(field.replySerial)
  const errorName = fields.get(field.errorName)
  return {
    type: bytes[1] === 2 ? 'return' : bytes[1] === 3 ? 'error' : 'signal',
    ...(typeof replySerial === 'number' && { replySerial }),
    ...(typeof errorName === 'string' && { errorName }),
    body: typeof signature === 'string' ? completeTypes(signature).map(header.read) : [],
  }
}

function makeWriter() {
  const parts: Buffer[] = []
  let length = 0
  const put = (bytes: Buffer): void => {
    parts.push(bytes)
    length += bytes.length
  }
  const align = (to: number): void => put(Buffer.alloc(padded(length, to) - length))
  const uint = (value: number): void => {
    align(4)
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    put(bytes)
  }
  const text = (value: string): void => {
    uint(Buffer.byteLength(value))
    put(Buffer.from(`${value}\0`))
  }
  const signature = (value: string): void => put(Buffer.from([value.length, ...Buffer.from(value), 0]))
  return {
    align,
    uint,
    text,
    bytes: (...values: number[]) => put(Buffer.from(values)),
    field: (code: number, type: 's' | 'o' | 'g', value: string) => {
      align(8)
      put(Buffer.from([code]))
      signature(type)
      if (type === 'g') signature(value)
      else text(value)
    },
    length: () => length,
    whole: () => Buffer.concat(parts),
  }
}

function makeReader(bytes: Buffer, start: number) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const little = bytes[0] === LITTLE_ENDIAN
  let at = start
  const align = (to: number): void => {
    at = padded(at, to)
  }
  const take = (size: number): number => {
    align(size)
    at += size
    return at - size
  }
  const uint = () => view.getUint32(take(4), little)
  const text = (length: number): string => {
    at += length + 1
    return bytes.toString('utf8', at - length - 1, at - 1)
  }
  const list = (element: string): Value[] => {
    const length = uint()
    align(alignments[element[0] as string] ?? 1)
    const items: Value[] = []
    for (const end = at + length; at < end; ) items.push(read(element))
    return items
  }
  const struct = (inner: string): Value[] => {
    align(8)
    return completeTypes(inner).map(read)
  }
  const simple: Record<string, () => Value> = {
    y: () => view.getUint8(take(1)),
    b: () => uint() !== 0,
    n: () => view.getInt16(take(2), little),
    q: () => view.getUint16(take(2), little),
    i: () => view.getInt32(take(4), little),
    u: uint,
    h: uint,
    x: () => Number(view.getBigInt64(take(8), little)),
    t: () => Number(view.getBigUint64(take(8), little)),
    d: () => view.getFloat64(take(8), little),
    s: () => text(uint()),
    o: () => text(uint()),
    g: () => text(view.getUint8(take(1))),
    v: () => read(text(view.getUint8(take(1)))),
  }
  const read = (type: string): Value => {
    const [first = ''] = type
    if (first === 'a') return list(type.slice(1))
    if (first === '(' || first === '{') return struct(type.slice(1, -1))
    const readSimple = simple[first]
    if (!readSimple) throw new RangeError(`D-Bus knows no type ${type}`)
    return readSimple()
  }
  return { align, uint, list, read }
}

const alignments: Record<string, number> = {
  ...{ y: 1, g: 1, v: 1, n: 2, q: 2, b: 4, i: 4, u: 4, h: 4, s: 4, o: 4, a: 4 },
  ...{ x: 8, t: 8, d: 8, '(': 8, '{': 8 },
}

/** The types in a signature: `sa(ss)` has `s` and `a(ss)`. */
function completeTypes(signature: string): string[] {
  const types: string[] = []
  for (let at = 0; at < signature.length; at += types.at(-1)?.length ?? 1) types.push(firstType(signature.slice(at)))
  return types
}

function firstType(signature: string): string {
  if (signature.startsWith('a')) return `a${firstType(signature.slice(1))}`
  let depth = 0
  for (let at = 0; at < signature.length; at++) {
    if ('({'.includes(signature[at] as string)) depth++
    if (')}'.includes(signature[at] as string)) depth--
    if (depth === 0) return signature.slice(0, at + 1)
  }
  throw new RangeError(`${signature} is no whole D-Bus signature`)
}

const padded = (length: number, to: number): number => Math.ceil(length / to) * to
