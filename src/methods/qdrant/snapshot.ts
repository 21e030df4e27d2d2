import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { asBackupError, BackupError } from '../../errors.ts'
import type { MethodContext, UndoDetail } from '../method.ts'
import type { Api, SnapshotDescription } from './api.ts'

/** A snapshot file on the server. Disposing deletes it there; a failure of that is a warning. */
export interface ServerSnapshot extends AsyncDisposable {
  /** Downloads the file. The stream fails where length or checksum are not those that the server told. */
  open(signal: AbortSignal): Promise<Readable>
}

/** The detail that is recorded before a snapshot is asked for, whose name is known only from the reply. */
export interface AskedDetail extends UndoDetail {
  act: 'ask'
  collection: string
  /** A JSON array of the snapshots that were there before. */
  before: string
  /** The time of the server's clock, in ISO 8601. */
  at: string
}

/** The detail of a snapshot whose name is known. */
export interface MadeDetail extends UndoDetail {
  act: 'made'
  collection: string
  snapshot: string
}

const attempts = 5

/**
 * Makes a snapshot that nobody else made. An undo is recorded before, so that it is deleted even if this process dies.
 */
export async function makeSnapshot(ctx: MethodContext, api: Api, collection: string): Promise<ServerSnapshot> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const { names, date } = await api.snapshots(collection)
    const asked: AskedDetail = { act: 'ask', collection, before: JSON.stringify(names), at: date.toISOString() }
    const recorded = ctx.recordUndo(asked)
    const made = await api.createSnapshot(collection).catch((error) => {
      // A server that refused made none. One that did not answer may have made one: then the undo stays recorded.
      if (['DUMP_FAILED', 'AUTH_FAILED', 'NO_SPACE'].includes(asBackupError(error).code)) recorded[Symbol.dispose]()
      throw error
    })
    if (!names.includes(made.name)) return holdSnapshot(ctx, api, collection, made, recorded)
    // Names tell a second. Somebody else made this snapshot in the same one, and ours overwrote it with the same content.
    recorded[Symbol.dispose]()
    await ctx.clock.sleep(1100, ctx.signal)
  }
  const hint = 'Something else makes snapshots of this collection every second.'
  throw new BackupError('DUMP_FAILED', `no snapshot of ${collection} with a name of its own`, { hint })
}

function holdSnapshot(
  ctx: MethodContext,
  api: Api,
  collection: string,
  made: SnapshotDescription,
  asked: Disposable,
): ServerSnapshot {
  const detail: MadeDetail = { act: 'made', collection, snapshot: made.name }
  const recorded = ctx.recordUndo(detail)
  asked[Symbol.dispose]()
  return {
    open: async (signal) =>
      Readable.from(verify(api.download(collection, made.name, signal), made), { objectMode: false }),
    [Symbol.asyncDispose]: async () => {
      try {
        await api.detached().deleteSnapshot(collection, made.name)
        recorded[Symbol.dispose]()
      } catch (error) {
        ctx.warn(`snapshot ${made.name} stays on the server for now: ${asBackupError(error).message}`)
      }
    },
  }
}

/** Compares length and checksum with what the server told. Servers before 1.8 tell no checksum. */
async function* verify(body: Readable, { name, size, checksum }: SnapshotDescription): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
    yield chunk
  }
  if (bytes !== size) throw new BackupError('DUMP_FAILED', `${name} came with ${bytes} bytes, the server told ${size}`)
  const sha256 = hash.digest('hex')
  if (checksum && sha256 !== checksum)
    throw new BackupError('DUMP_FAILED', `${name} came with SHA-256 ${sha256}, the server told ${checksum}`)
}

/** At most so many seconds pass from the request to the time in the name, which the server takes when it begins. */
const nameWindowSeconds = 10

/**
 * Finds the snapshot that a dead run asked for: it was not there before, and its name tells one of the seconds after
 * the request. Where there are two such snapshots, none is returned, since one of them is somebody else's.
 */
export function findAsked({ before, at }: Pick<AskedDetail, 'before' | 'at'>, names: string[]): string | undefined {
  const known = new Set<unknown>(JSON.parse(before))
  const since = new Date(at).getTime()
  const candidates = names.filter((name) => {
    const seconds = (timeOf(name) - since) / 1000
    return !known.has(name) && seconds >= -1 && seconds <= nameWindowSeconds
  })
  return candidates.length === 1 ? candidates[0] : undefined
}

/** The time in milliseconds that a name tells in UTC, such as `docs-634919505345910-2026-11-23-02-08-46.snapshot`. */
function timeOf(name: string): number {
  const [, day, hours, minutes, seconds] = /-(\d{4}-\d\d-\d\d)-(\d\d)-(\d\d)-(\d\d)\.snapshot$/.exec(name) ?? []
  return Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`)
}
