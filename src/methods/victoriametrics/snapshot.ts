import { asBackupError, BackupError } from '../../errors.ts'
import type { MethodContext, UndoDetail } from '../method.ts'
import { type Server, snapshotSeconds } from './server.ts'

/** A snapshot on the server, deleted when disposed. It is noted before it is made and until it is gone: it pins disk space. */
export interface ServerSnapshot extends AsyncDisposable {
  name: string
}

export async function createSnapshot(ctx: MethodContext, server: Server): Promise<ServerSnapshot> {
  const detail = await noteOfAsking(ctx, server)
  const note = ctx.recordUndo(detail)
  try {
    const { snapshot: name = '' } = await server.askSnapshots('create')
    if (!namePattern.test(name)) throw new BackupError('DUMP_FAILED', `/snapshot/create named ${name || 'none'}`)
    const known = ctx.recordUndo({ snapshot: name })
    note[Symbol.dispose]()
    return { name, [Symbol.asyncDispose]: () => cleanUp(ctx, server, { snapshot: name }, known) }
  } catch (error) {
    await cleanUp(ctx, server, detail, note)
    throw error
  }
}

/** Not bound to the run's signal: an interrupted run deletes its snapshot too. What fails now keeps its note. */
async function cleanUp(ctx: MethodContext, server: Server, detail: UndoDetail, note: Disposable): Promise<void> {
  try {
    await deleteSnapshot(server, detail, new AbortController().signal)
    note[Symbol.dispose]()
  } catch (error) {
    const left = 'a snapshot may be left on the server until the controller starts again'
    ctx.warn(`${left}: ${asBackupError(error).message}`)
  }
}

/** Deletes the snapshot that a note speaks of, and no other. One that is gone is a success. */
export async function deleteSnapshot(server: Server, detail: UndoDetail, signal: AbortSignal): Promise<void> {
  const { snapshots = [] } = await server.askSnapshots('list', {}, { signal })
  const name = detail.snapshot ?? findLost(snapshots, detail)
  if (name === undefined || !snapshots.includes(name)) return
  await server.askSnapshots('delete', { snapshot: name }, { signal })
}

/** UTC second of its making, and a number of the server. */
const namePattern = /^\d{14}-[0-9A-F]+$/

/** What finds the snapshot again if the answer that names it is lost. */
async function noteOfAsking(ctx: MethodContext, server: Server): Promise<UndoDetail> {
  const { snapshots = [] } = await server.askSnapshots('list')
  const now = ctx.clock.now().getTime()
  const second = (ms: number) => new Date(ms).toISOString().replaceAll(/\D/g, '').slice(0, 14)
  return {
    known: snapshots.join(' '),
    from: second(now - skewMs),
    until: second(now + snapshotSeconds * 1000 + skewMs),
  }
}

/** Clocks of one machine, and of a virtual one beside it. */
const skewMs = 5000

/** The one snapshot that came up in the time of our asking. Of several all but one are somebody else's: then none is touched. */
export function findLost(snapshots: string[], { known = '', from = '', until = '' }: UndoDetail): string | undefined {
  const before = known.split(' ')
  const fresh = snapshots.filter(
    (name) => !before.includes(name) && name.slice(0, 14) >= from && name.slice(0, 14) <= until,
  )
  return fresh.length === 1 ? fresh[0] : undefined
}
