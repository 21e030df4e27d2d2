import { connect, type Socket } from 'node:net'
import { withDeadline } from '../deadline.ts'
import { type Call, decodeMessage, encodeCall, headBytes, type Message, messageBytes, type Value } from './message.ts'

/** A connection to a bus, or to a service that is its own peer. It is used for one call at a time. */
export interface BusConnection extends Disposable {
  /** Answers the values of the reply. Throws a BusRefusal where the service refuses the call. */
  call(call: Call, signal: AbortSignal): Promise<Value[]>
}

/** An error that a service answered. */
export class BusRefusal extends Error {
  override readonly name = 'BusRefusal'
  /** Such as `org.freedesktop.systemd1.NoSuchUnit`. */
  readonly errorName: string

  constructor(errorName: string, message: string) {
    super(message)
    this.errorName = errorName
  }
}

/** The longest wait for a connection and for the reply to a call. */
const callSeconds = 20
const mostReplyBytes = 128 * 1024 * 1024

/**
 * Connects to the socket at `path`. With `isBus` it is a bus, which has to be greeted; else a service listens there itself.
 *
 * No user id is claimed (https://gitlab.freedesktop.org/dbus/dbus/-/issues/195): the kernel tells it to the other side. In the user
 * namespace of a rootless container this process has another id than outside, and a bus refuses who claims that one. dbus-send and the D-Bus
 * packages of npm do so.
 */
export async function connectBus(path: string, isBus: boolean, signal: AbortSignal): Promise<BusConnection> {
  const socket = connect(path)
  // Whoever waits for it is told by the next read.
  socket.on('error', () => {})
  try {
    const read = receive(socket)
    await within(socket, 'its greeting', signal, (deadline) => authenticate(socket, read, deadline))
    const bus = makeConnection(socket, read)
    if (isBus) await bus.call(hello, signal)
    return bus
  } catch (error) {
    socket.destroy()
    throw error
  }
}

const hello: Call = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
  member: 'Hello',
  args: [],
}

function makeConnection(socket: Socket, read: Read): BusConnection {
  let serial = 0
  const ask = async (call: Call, deadline: AbortSignal): Promise<Value[]> => {
    serial += 1
    socket.write(encodeCall(call, serial))
    for (;;) {
      const message = await readMessage(read, deadline)
      if (message.replySerial !== serial) continue
      if (message.type === 'return') return message.body
      throw new BusRefusal(message.errorName ?? 'org.freedesktop.DBus.Error.Failed', String(message.body[0] ?? ''))
    }
  }
  return {
    call: (call, signal) => within(socket, call.member, signal, (deadline) => ask(call, deadline)),
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

/** Ends with the signal or after the longest wait. Either closes the connection: a late reply has no reader. */
async function within<T>(
  socket: Socket,
  what: string,
  signal: AbortSignal,
  work: (deadline: AbortSignal) => Promise<T>,
): Promise<T> {
  using deadline = withDeadline(signal, callSeconds, what)
  const close = () => void socket.destroy()
  deadline.addEventListener('abort', close, { once: true })
  try {
    return await work(deadline)
  } finally {
    deadline.removeEventListener('abort', close)
  }
}

/** Answers that many bytes, once they are there. */
type Read = (count: number, signal: AbortSignal) => Promise<Buffer>

function receive(socket: Socket): Read {
  let pending = Buffer.alloc(0)
  let wake = () => {}
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    wake()
  })
  socket.on('close', () => wake())
  return async (count, signal) => {
    while (pending.length < count) {
      signal.throwIfAborted()
      if (socket.destroyed) throw socket.errored ?? new Error('the connection was closed')
      const { promise, resolve } = Promise.withResolvers<void>()
      wake = resolve
      await promise
    }
    const bytes = pending.subarray(0, count)
    pending = pending.subarray(count)
    return bytes
  }
}

/**
 * Says everything at once, as sd-bus does: where BEGIN and the first call reach the manager of systemd together, it leaves the call unread
 * until more comes.
 */
async function authenticate(socket: Socket, read: Read, signal: AbortSignal): Promise<void> {
  socket.write('\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n')
  const answers = [await readLine(read, signal), await readLine(read, signal)]
  if (answers[0] !== 'DATA' || !answers[1]?.startsWith('OK ')) {
    throw new Error(`this user is not let in: ${answers.join(', ')}`)
  }
}

async function readLine(read: Read, signal: AbortSignal): Promise<string> {
  let line = ''
  while (!line.endsWith('\r\n')) line += (await read(1, signal)).toString('latin1')
  return line.trimEnd()
}

async function readMessage(read: Read, signal: AbortSignal): Promise<Message> {
  const head = await read(headBytes, signal)
  const length = messageBytes(head)
  if (length > mostReplyBytes) throw new Error(`a message of ${length} bytes is longer than D-Bus allows`)
  return decodeMessage(Buffer.concat([head, await read(length - headBytes, signal)]))
}
