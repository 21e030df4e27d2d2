import { basename } from 'node:path'
import { BackupError } from '../../errors.ts'
import type { FileOwner } from '../../lib/replace-file.ts'
import type { Artifact } from '../../repository/repository.ts'
import type { CaptureContext, MethodContext } from '../method.ts'
import { copyDatabase, type DatabaseCopy } from './copy.ts'
import { type DatabaseReport, factNames } from './report.ts'

/** Yields one artifact for each database that `xnai.backup.paths` names. */
export async function* capture(ctx: CaptureContext): AsyncIterable<Artifact> {
  const names = artifactNames(ctx.paths)
  for (const [index, path] of ctx.paths.entries()) {
    await using copy = await copyDatabase(ctx, path)
    yield storeCopy(ctx, { name: names[index] as string, path, copy, owner: copy.owner })
  }
  recordPaths(ctx, names)
}

/** The names of the artifacts: `/app/data/iam.db` becomes `iam.db`. A number makes the names of two equal ones differ. */
export function artifactNames(paths: string[]): string[] {
  const used = new Set<string>()
  return paths.map((path) => {
    const base =
      basename(path)
        .toLowerCase()
        .replaceAll(/[^a-z0-9._-]+/g, '-')
        .replace(/^[^a-z0-9]+/, '') || 'database'
    let name = base
    for (let count = 2; used.has(name); count++) name = `${count}-${base}`
    used.add(name)
    return name
  })
}

/**
 * The artifact of a copy, with its facts recorded. `path` names the database in messages. DUMP_FAILED where the copy is damaged.
 */
export function storeCopy(
  ctx: CaptureContext,
  { name, path, copy, owner }: { name: string; path: string; copy: DatabaseCopy; owner?: FileOwner },
): Artifact {
  refuseDamaged(ctx, path, copy.report)
  const facts = factNames(name)
  ctx.fact(facts.properties, copy.report.properties)
  ctx.fact(facts.rows, copy.report.rows)
  if (owner) ctx.fact(facts.owner, { uid: owner.uid, gid: owner.gid, mode: owner.mode })
  return { kind: 'stream', name, open: async () => copy.stream() }
}

/** Records where each database belongs in the container; `names` are the artifacts of `ctx.paths`. */
export function recordPaths(ctx: CaptureContext, names: string[]): void {
  ctx.fact('paths', Object.fromEntries(ctx.paths.map((path, index) => [names[index] as string, path])))
}

function refuseDamaged(ctx: MethodContext, path: string, { integrity, unchecked }: DatabaseReport): void {
  if (unchecked.length > 0) {
    ctx.warn(
      `${path}: ${unchecked.join(', ')} need collations, functions, modules or tokenizers of the application and were not checked`,
    )
  }
  if (integrity.length === 1 && integrity[0] === 'ok') return
  const message = `${path} is damaged: ${integrity.slice(0, 3).join('; ')}`
  throw new BackupError('DUMP_FAILED', message, { hint: damagedHint })
}

const damagedHint =
  'No snapshot was kept. Restore the last good one (xnai-backup list), or repair it by sqlite3 .recover.'
