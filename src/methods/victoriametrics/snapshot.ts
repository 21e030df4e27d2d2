import { asBackupError, BackupError } from '../../errors.ts'
import type { MethodContext, UndoDetail } from '../method.ts'
import { snapshotSeconds, type VictoriaMetricsClient } from './client.ts'

/**
 * A snapshot on the server. Disposing deletes it there. A recorded undo exists from before it is made until it is
 * gone: it pins disk space.
 */
export interface ServerSnapshot extends AsyncDisposable {
  name: string
}

/** Lets the server make a snapshot. */
export async function createSnapshot(ctx: MethodContext, client: VictoriaMetricsClient): Promise<ServerSnapshot> {
  const detail = await describeRequest(ctx, client)
  const request = ctx.recordUndo(detail)
  try {
    const { snapshot: name = '' } = await client.askSnapshots('create')
    if (!namePattern.test(name)) throw new BackupError('DUMP_FAILED', `/snapshot/create named ${name || 'none'}`)
    const known = ctx.recordUndo({ snapshot: name })
    request[Symbol.dispose]()
    return { name, [Symbol.asyncDispose]: () => cleanUp(ctx, client, { snapshot: name }, known) }
  } catch (error) {
    await cleanUp(ctx, client, detail, request)
    throw error
  }
}

/**
 * Deletes the snapshot even if the run was interrupted. Where that fails, the recorded undo stays for the next start.
 */
async function cleanUp(
  ctx: MethodContext,
  client: VictoriaMetricsClient,
  detail: UndoDetail,
  note: Disposable,
): Promise<void> {
  try {
    await deleteSnapshot(client, detail, new AbortController().signal)
    note[Symbol.dispose]()
  } catch (error) {
    const left = 'a snapshot may be left on the server until the controller starts again'
    ctx.warn(`${left}: ${asBackupError(error).message}`)
  }
}

/** Deletes the snapshot that a recorded undo speaks of, and no other. One that is gone is a success. */
export async function deleteSnapshot(
  client: VictoriaMetricsClient,
  detail: UndoDetail,
  signal: AbortSignal,
): Promise<void> {
  const { snapshots = [] } = await client.askSnapshots('list', {}, { signal })
  const name = detail.snapshot ?? findLost(snapshots, detail)
  if (name === undefined || !snapshots.includes(name)) return
  await client.askSnapshots('delete', { snapshot: name }, { signal })
}

/** The UTC second in which the snapshot was made, and a number of the server. */
const namePattern = /^\d{14}-[0-9A-F]+$/

/** The detail that finds the snapshot again if the answer that names it is lost. */
async function describeRequest(ctx: MethodContext, client: VictoriaMetricsClient): Promise<UndoDetail> {
  const { snapshots = [] } = await client.askSnapshots('list')
  const now = ctx.clock.now().getTime()
  const second = (ms: number) => new Date(ms).toISOString().replaceAll(/\D/g, '').slice(0, 14)
  return {
    known: snapshots.join(' '),
    from: second(now - skewMs),
    until: second(now + snapshotSeconds * 1000 + skewMs),
  }
}

/** How much the clock of the server may differ, which can run in a virtual machine. */
const skewMs = 5000

/**
 * The only snapshot that appeared in the time of the request. Where there are several, all but one are somebody
 * else's: none is returned.
 */
export function findLost(snapshots: string[], { known = '', from = '', until = '' }: UndoDetail): string | undefined {
  const before = known.split(' ')
  const fresh = snapshots.filter(
    (name) => !before.includes(name) && name.slice(0, 14) >= from && name.slice(0, 14) <= until,
  )
  return fresh.length === 1 ? fresh[0] : undefined
}
