import { createReadStream } from 'node:fs'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Artifact } from '../../repository/repository.ts'
import type { CaptureContext, ForeignInput } from '../method.ts'
import { findForeign } from '../shared/foreign.ts'
import { rdbArtifact, readForeignRdb } from './rdb.ts'
import { factsOfReport } from './rdb-check.ts'

/** Reads an RDB file of any origin, once the checker in the container accepts it. */
export async function* importForeign(
  ctx: CaptureContext,
  _spec: TargetSpec<'redis'>,
  input: ForeignInput,
): AsyncIterable<Artifact> {
  const { path } = findForeign(input, 'an RDB file (*.rdb)', ({ name }) => name.endsWith('.rdb'))
  const { header, report } = await readForeignRdb(ctx, path)
  yield { kind: 'stream', name: rdbArtifact, open: async () => createReadStream(path) }
  const facts = { rdb: header, server: 'unknown', ...factsOfReport(report) }
  for (const [name, value] of Object.entries(facts)) ctx.fact(name, value)
}
