import { chmod, chown, mkdir, stat } from 'node:fs/promises'
import { BackupError } from '../../errors.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import { clearTree } from '../../lib/tree/clear.ts'
import type { Check, Method, MethodContext, StoredSnapshot } from '../method.ts'
import { awaitServer } from '../shared/await-server.ts'
import { engineDevices } from '../shared/engine-devices.ts'
import { extractTree, proveTree } from '../shared/extract.ts'
import { awaitFlushed } from './flush.ts'
import { removeScratch, unpackVmbackup } from './import.ts'
import { artifactsOf, findStorage, type Storage } from './layout.ts'
import { readMetrics, refuseFullDisk, versionOf } from './metrics.ts'
import { compareFacts, countSeries, factsOfSample, isStill, takeSample } from './sample.ts'
import { reachServer, type Server } from './server.ts'
import { createSnapshot, deleteSnapshot } from './snapshot.ts'
import { refuseVersion } from './version.ts'

/** VictoriaMetrics (single node, or one vmstorage) by its own snapshots: hard links to immutable files, of one instant. */
export const victoriametrics: Method<'victoriametrics'> = {
  kind: 'victoriametrics',
  needsRunning: true,
  paths: () => [],

  async *capture(ctx, { options }) {
    await using server = await reachServer(ctx, options)
    const metrics = await readMetrics(server)
    ctx.fact('server', versionOf(metrics))
    refuseFullDisk(ctx, metrics)
    ctx.fact('seriesLeast', await countSeries(server))
    const sample = await takeSample(ctx, server)
    await awaitFlushed(ctx, server)
    await using snapshot = await createSnapshot(ctx, server)
    ctx.fact('seriesMost', await countSeries(server))
    if (sample && (await isStill(server, sample))) {
      for (const [name, value] of Object.entries(factsOfSample(sample))) ctx.fact(name, value)
    } else if (sample) {
      ctx.warn(
        'old points were being written: a restore is proven by the files and the number of series, not by points',
      )
    }
    const storage = findStorage(ctx, snapshot.name)
    ctx.fact('storage', storage.path)
    yield* artifactsOf(storage, snapshot.name)
  },

  async *import(ctx, { options }, input) {
    const storage = await locateStorage(ctx, options)
    ctx.fact('storage', storage.path)
    ctx.fact('seriesLeast', 0)
    ctx.warn('a directory of vmbackup does not say how many series it holds: look at them after the restore')
    await using unpacked = await unpackVmbackup(ctx, input, storage)
    yield unpacked.artifact
  },

  async preflight(ctx, { options }, snapshot) {
    storageOf(ctx, snapshot)
    if (ctx.container.state === 'running') await preflightRestore(ctx, options, snapshot)
  },

  async restore(ctx, _spec, snapshot) {
    const root = storageOf(ctx, snapshot)
    await ctx.service.stop()
    await mkdir(root, { recursive: true })
    const owner = await stat(root)
    // All of it: files of the server's own past would be taken for part of the restored state; caches and the lock are made anew.
    await clearTree(root, '.', { exclude: [], skipDevices: engineDevices, signal: ctx.signal, onWarning: ctx.warn })
    const checks: Check[] = []
    for (const artifact of snapshot.artifacts) checks.push(...(await replaceData(ctx, snapshot, artifact, root)))
    await chown(root, owner.uid, owner.gid)
    await chmod(root, owner.mode & 0o7777)
    return checks
  },

  async undo(ctx, { options }, detail) {
    if (detail.scratch !== undefined) return removeScratch(ctx, detail.scratch)
    await using server = await reachServer(ctx, options)
    await deleteSnapshot(server, detail, ctx.signal)
  },

  async prove(ctx, { options, startTimeoutSeconds }, snapshot) {
    await using server = await reachServer(ctx, options)
    await awaitReady(ctx, server, startTimeoutSeconds)
    // The cache may lie outside of the storage.
    await server
      .ask('/internal/resetRollupResultCache')
      .catch(() => ctx.warn('the cache of query results was not reset'))
    return compareFacts(server, snapshot.facts)
  },
}

/** A snapshot of the server tells where its storage is. */
async function locateStorage(ctx: MethodContext, options: MethodOptions['victoriametrics']): Promise<Storage> {
  await using server = await reachServer(ctx, options)
  await using snapshot = await createSnapshot(ctx, server)
  return findStorage(ctx, snapshot.name)
}

/** RESTORE_REFUSED for a server that is too old. One that runs and does not answer may be just what the restore is to mend. */
async function preflightRestore(
  ctx: MethodContext,
  options: MethodOptions['victoriametrics'],
  { facts }: StoredSnapshot,
): Promise<void> {
  await using server = await reachServer(ctx, options)
  const refusal = refuseVersion(String(facts.server), versionOf(await readMetrics(server)))
  if (refusal) throw new BackupError('RESTORE_REFUSED', refusal.reason, { hint: refusal.hint })
}

function storageOf(ctx: MethodContext, { facts }: StoredSnapshot): string {
  if (typeof facts.storage === 'string') return ctx.hostPath(facts.storage)
  throw new BackupError('RESTORE_REFUSED', 'the snapshot does not say where its data belongs')
}

/** The storage's own folder comes first, and is changed by what is put into it. */
async function replaceData(
  ctx: MethodContext,
  snapshot: StoredSnapshot,
  artifact: StoredSnapshot['artifacts'][number],
  storage: string,
): Promise<Check[]> {
  const to = ctx.hostPath(artifact.origin ?? '')
  await mkdir(to, { recursive: true })
  await extractTree(snapshot, artifact, to)
  return to === storage ? [] : [await proveTree(snapshot, artifact, to, engineDevices)]
}

async function awaitReady(ctx: MethodContext, server: Server, seconds: number): Promise<void> {
  const what = `VictoriaMetrics in ${ctx.container.name} to answer`
  await awaitServer(ctx, { what, seconds, ask: async () => (await server.ask('/health')) !== '' })
}
