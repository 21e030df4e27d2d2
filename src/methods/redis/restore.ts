import { asBackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Check, RestoreContext, StoredSnapshot } from '../method.ts'
import { refuseUncovered } from '../shared/uncovered.ts'
import { awaitReady, connect, type RedisClient } from './client.ts'
import { openDataFolder, replaceDataFiles, stageRdb } from './data-files.ts'
import { type Layout, layoutOfFacts } from './layout.ts'
import { preflightServer } from './preflight.ts'
import { rdbArtifact, rdbBytes } from './rdb.ts'

/** Writes the RDB beside its place, stops the server, and puts the file where the server loads it from at its next start. */
export async function restore(
  ctx: RestoreContext,
  spec: TargetSpec<'redis'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const layout = await findLayout(ctx, spec, snapshot)
  using folder = openDataFolder(ctx.hostPath(layout.dir))
  const directory = folder.path
  const content = await snapshot.open(rdbArtifact)
  await using staged = await stageRdb(directory, layout, rdbBytes(snapshot), content)
  await ctx.service.stop()
  await replaceDataFiles(directory, layout, staged)
  return []
}

/** Asks the server, which is started if it does not run. Where it cannot run, because its files are damaged, the snapshot tells. */
async function findLayout(ctx: RestoreContext, spec: TargetSpec<'redis'>, snapshot: StoredSnapshot): Promise<Layout> {
  try {
    const layout = await preflightServer(ctx, await startAndConnect(ctx, spec), snapshot)
    refuseUncovered(ctx, [layout.dir])
    return layout
  } catch (error) {
    const { code, message } = asBackupError(error)
    if (ctx.signal.aborted || code === 'RESTORE_REFUSED' || code === 'AUTH_FAILED') throw error
    ctx.warn(`Redis does not run as it is (${message}); its files are put where they were at the backup`)
    return layoutOfFacts(snapshot.facts)
  }
}

async function startAndConnect(
  ctx: RestoreContext,
  { options, startTimeoutSeconds }: TargetSpec<'redis'>,
): Promise<RedisClient> {
  if ((await ctx.service.state()) === 'running') return connect(ctx, options, startTimeoutSeconds)
  await ctx.service.start()
  return awaitReady(ctx, options, startTimeoutSeconds)
}
