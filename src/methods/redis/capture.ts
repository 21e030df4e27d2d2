import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path/posix'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Artifact } from '../../repository/repository.ts'
import type { CaptureContext } from '../method.ts'
import { connect, serverName } from './client.ts'
import { openDataFolder, refuseFullDirectory } from './data-files.ts'
import { factsOfLayout, readLayout } from './layout.ts'
import { refuseRole } from './preflight.ts'
import { openRdb, rdbArtifact } from './rdb.ts'
import { factsOfReport } from './rdb-check.ts'
import { type Info, infoNumber } from './reply.ts'
import { saveNow } from './save.ts'

/** Lets the server save its data now, and yields the RDB file that it wrote. */
export async function* capture(
  ctx: CaptureContext,
  { options, startTimeoutSeconds }: TargetSpec<'redis'>,
): AsyncIterable<Artifact> {
  const client = await connect(ctx, options, startTimeoutSeconds)
  const { info } = client
  refuseRole(info, 'DUMP_FAILED')
  const layout = await readLayout(client)
  using folder = openDataFolder(ctx.hostPath(layout.dir))
  await refuseFullDirectory(folder.path, datasetBytes(info))
  const rdbPath = join(folder.path, layout.dbfilename)
  const isKept = layout.save !== '' || existsSync(rdbPath)
  const second = await saveNow(ctx, client)
  await using rdb = await openRdb(ctx, layout, second)
  // An instance that never saves by itself would load our file at its next start.
  if (!isKept) await rm(rdbPath, { force: true })
  yield { kind: 'stream', name: rdbArtifact, open: async (signal) => rdb.stream(signal) }
  const facts = { ...factsOfServer(info), ...factsOfLayout(layout), rdb: rdb.header, ...factsOfReport(rdb.report) }
  for (const [name, value] of Object.entries(facts)) ctx.fact(name, value)
}

/**
 * Redis subtracts its overhead from its memory. In an almost empty instance that is negative, and reported as an unsigned number.
 */
function datasetBytes(info: Info): number {
  const bytes = infoNumber(info, 'used_memory_dataset') ?? 0
  return bytes < 2 ** 63 ? bytes : 0
}

function factsOfServer(info: Info): Record<string, string> {
  return { server: serverName(info), mode: info.get('redis_mode') ?? 'standalone' }
}
