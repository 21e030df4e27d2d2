import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { asBackupError, BackupError } from '../../errors.ts'
import type { MethodContext, UndoDetail } from '../method.ts'
import type { Api, SnapshotDescription } from './api.ts'

/** A snapshot file on the server. Disposing deletes it there. */
export interface ServerSnapshot extends AsyncDisposable {
  /** Its bytes; the stream fails where length or checksum are not the server's. */
  open(signal: AbortSignal): Promise<Readable>
}

/** A note made before a snapshot is asked for: its name is known only from the reply. */
export interface AskedNote extends UndoDetail {
  act: 'ask'
  collection: string
  /** JSON array of the names that were there before. */
  before: string
  /** ISO 8601, the server's clock. */
  at: string
}

/** A note of a snapshot that is ours by its name. */
export interface MadeNote extends UndoDetail {
  act: 'made'
  collection: string
  snapshot: string
}

const attempts = 5

/** Makes a snapshot that nobody else made, noted so that it is deleted even if this process dies. */
export async function makeSnapshot(ctx: MethodContext, api: Api, collection: string): Promise<ServerSnapshot> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const { names, date } = await api.snapshots(collection)
    const asked: AskedNote = { act: 'ask', collection, before: JSON.stringify(names), at: date.toISOString() }
    const note = ctx.recordUndo(asked)
    const made = await api.createSnapshot(collection).catch((error) => {
      // Refused: there is none. Unanswered: there may be one, and the note stays.
      if (['DUMP_FAILED', 'AUTH_FAILED', 'NO_SPACE'].includes(asBackupError(error).code)) note[Symbol.dispose]()
      throw error
    })
    if (!names.includes(made.name)) return holdSnapshot(ctx, api, collection, made, note)
    // Names are of one second: this one is somebody else's, and was overwritten with the same content.
    note[Symbol.dispose]()
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
  const detail: MadeNote = { act: 'made', collection, snapshot: made.name }
  const note = ctx.recordUndo(detail)
  asked[Symbol.dispose]()
  return {
    open: async (signal) =>
      Readable.from(verify(api.download(collection, made.name, signal), made), { objectMode: false }),
    [Symbol.asyncDispose]: async () => {
      try {
        await api.detached().deleteSnapshot(collection, made.name)
        note[Symbol.dispose]()
      } catch (error) {
        ctx.warn(`snapshot ${made.name} stays on the server for now: ${asBackupError(error).message}`)
      }
    },
  }
}

/** Servers before 1.8 tell no checksum: the length alone must do then. */
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

/** Seconds from asking to the time in the name: the server takes it when it begins. */
const nameWindowSeconds = 10

/**
 * The snapshot that a dead run asked for, if it is there: new since, and of the seconds in which it was asked for. Two such are
 * left alone, since one is somebody else's.
 */
export function findAsked({ before, at }: Pick<AskedNote, 'before' | 'at'>, names: string[]): string | undefined {
  const known = new Set<unknown>(JSON.parse(before))
  const since = new Date(at).getTime()
  const candidates = names.filter((name) => {
    const seconds = (timeOf(name) - since) / 1000
    return !known.has(name) && seconds >= -1 && seconds <= nameWindowSeconds
  })
  return candidates.length === 1 ? candidates[0] : undefined
}

/** `docs-634919505345910-2026-11-23-02-08-46.snapshot`: UTC. */
function timeOf(name: string): number {
  const [, day, hours, minutes, seconds] = /-(\d{4}-\d\d-\d\d)-(\d\d)-(\d\d)-(\d\d)\.snapshot$/.exec(name) ?? []
  return Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`)
}
