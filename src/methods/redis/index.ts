import { createReadStream, existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path/posix'
import { asBackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Method, MethodContext, RestoreContext, StoredSnapshot } from '../method.ts'
import { findForeign } from '../shared/foreign.ts'
import { redisCli, serverName } from './cli.ts'
import { factsOfLayout, type Layout, layoutOfFacts, readLayout } from './layout.ts'
import { putInPlace, refuseFullDirectory, stageRdb } from './place.ts'
import { awaitLoaded, compareFacts, refuseRole } from './prove.ts'
import { openRdb, readForeignRdb } from './rdb.ts'
import { type CheckReport, refuseUnreadable } from './rdb-check.ts'
import { type Info, infoNumber } from './reply.ts'
import { saveNow } from './save.ts'

const artifact = 'dump.rdb'

/** Redis and Valkey by an RDB that the server saved when asked and that its own checker read; complete for append-only instances too. */
export const redis: Method<'redis'> = {
  kind: 'redis',
  needsRunning: true,
  paths: () => [],

  async *capture(ctx, { options, startTimeoutSeconds }) {
    const cli = redisCli(ctx, options)
    const info = await awaitLoaded(ctx, cli, { seconds: startTimeoutSeconds })
    refuseRole(info, 'DUMP_FAILED')
    const layout = await readLayout(cli)
    await refuseFullDirectory(ctx.hostPath(layout.dir), datasetBytes(info))
    const rdbPath = ctx.hostPath(join(layout.dir, layout.dbfilename))
    const isKept = layout.save !== '' || existsSync(rdbPath)
    const second = await saveNow(ctx, cli)
    await using rdb = await openRdb(ctx, layout, second)
    // An instance that never saves by itself would load our file at its next start.
    if (!isKept) await rm(rdbPath, { force: true })
    yield { kind: 'stream', name: artifact, open: async (signal) => rdb.stream(signal) }
    const facts = { ...factsOfServer(info), ...factsOfLayout(layout), rdb: rdb.header, ...factsOfReport(rdb.report) }
    for (const [name, value] of Object.entries(facts)) ctx.fact(name, value)
  },

  async *import(ctx, _spec, input) {
    const { path } = findForeign(input, 'an RDB file (*.rdb)', ({ name }) => name.endsWith('.rdb'))
    const { header, report } = await readForeignRdb(ctx, path)
    yield { kind: 'stream', name: artifact, open: async () => createReadStream(path) }
    ctx.fact('rdb', header)
    ctx.fact('server', 'unknown')
    for (const [name, value] of Object.entries(factsOfReport(report))) ctx.fact(name, value)
  },

  async preflight(ctx, spec, snapshot) {
    if (ctx.container.state === 'running') await preflightRestore(ctx, spec, snapshot)
  },

  async restore(ctx, spec, snapshot) {
    const layout = await currentLayout(ctx, spec, snapshot)
    const directory = ctx.hostPath(layout.dir)
    const bytes = snapshot.artifacts.find(({ name }) => name === artifact)?.bytes ?? 0
    await using staged = await stageRdb(directory, layout, bytes, await snapshot.open(artifact))
    await ctx.service.stop()
    await putInPlace(directory, layout, staged)
    return []
  },

  async prove(ctx, { options, startTimeoutSeconds }, snapshot) {
    const cli = redisCli(ctx, options)
    const bytes = snapshot.artifacts.find(({ name }) => name === artifact)?.bytes ?? 0
    const info = await awaitLoaded(ctx, cli, {
      seconds: startTimeoutSeconds + bytes / loadBytesPerSecond,
      justStarted: true,
    })
    return compareFacts(cli, info, snapshot.facts)
  },
}

/** A slow machine's pace. */
const loadBytesPerSecond = 5e6

/** Of an almost empty instance Redis counts more overhead than memory, and says the negative number as an unsigned one. */
function datasetBytes(info: Info): number {
  const bytes = infoNumber(info, 'used_memory_dataset') ?? 0
  return bytes < 2 ** 63 ? bytes : 0
}

/** Nothing where the image has no checker. */
function factsOfReport(report: CheckReport | undefined): Facts {
  if (!report) return {}
  const { keys, expires, databases } = report
  return { keys, expires, databases: databases.join(',') }
}

function factsOfServer(info: Info): Record<string, string> {
  return { server: serverName(info), mode: info.get('redis_mode') ?? 'standalone' }
}

/** RESTORE_REFUSED for a replica, a sentinel, or a server that cannot read this RDB. Answers where the data lies now. */
async function preflightRestore(
  ctx: MethodContext,
  spec: TargetSpec<'redis'>,
  snapshot: StoredSnapshot,
  justStarted = false,
): Promise<Layout> {
  const cli = redisCli(ctx, spec.options)
  const info = await awaitLoaded(ctx, cli, { seconds: spec.startTimeoutSeconds, justStarted })
  refuseRole(info, 'RESTORE_REFUSED')
  if (snapshot.facts.rdb) await refuseUnreadable(ctx, String(snapshot.facts.rdb), String(snapshot.facts.server))
  return readLayout(cli)
}

/** From the server itself, started if need be; from the snapshot where it cannot run, as with files that are destroyed. */
async function currentLayout(
  ctx: RestoreContext,
  spec: TargetSpec<'redis'>,
  snapshot: StoredSnapshot,
): Promise<Layout> {
  try {
    const justStarted = (await ctx.service.state()) !== 'running'
    if (justStarted) await ctx.service.start()
    return await preflightRestore(ctx, spec, snapshot, justStarted)
  } catch (error) {
    const { code, message } = asBackupError(error)
    if (ctx.signal.aborted || code === 'RESTORE_REFUSED' || code === 'AUTH_FAILED') throw error
    ctx.warn(`Redis does not run as it is (${message}); its files are put where they were at the backup`)
    return layoutOfFacts(snapshot.facts)
  }
}
