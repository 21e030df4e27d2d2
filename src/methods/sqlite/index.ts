import { basename, dirname } from 'node:path'
import { BackupError } from '../../errors.ts'
import { freeBytes } from '../../lib/free-space.ts'
import type { FileOwner } from '../../lib/replace-file.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Check, ForeignEntry, ForeignInput, Method, MethodContext, StoredSnapshot } from '../method.ts'
import { recordOf } from '../shared/facts.ts'
import { findForeign, isArchive } from '../shared/foreign.ts'
import { refuseFull } from '../shared/room.ts'
import { copyDatabase, copyFile, isMountedAlone, removeCopy } from './copy.ts'
import { ownerOf, rewriteFile, stageDatabase } from './put-in-place.ts'
import { compareReport, type DatabaseReport, factNames } from './report.ts'
import { runAsOwner } from './run-program.ts'

/** SQLite databases by online backup, while the application writes: log included, one instant each, proven before they count. */
export const sqlite: Method<'sqlite'> = {
  kind: 'sqlite',
  needsRunning: false,
  paths: (spec) => spec.paths ?? [],

  async *capture(ctx) {
    const names = artifactNames(ctx.paths)
    for (const [index, path] of ctx.paths.entries()) {
      const name = names[index] as string
      await using copy = await copyDatabase(ctx, path)
      refuseDamaged(ctx, path, copy.report)
      recordFacts(ctx.fact, name, copy.report, copy.owner)
      yield { kind: 'stream', name, open: async () => copy.stream() }
    }
    ctx.fact('paths', Object.fromEntries(ctx.paths.map((path, index) => [names[index] as string, path])))
  },

  async *import(ctx, _spec, input) {
    const names = artifactNames(ctx.paths)
    for (const [index, path] of ctx.paths.entries()) {
      const name = names[index] as string
      const { path: source } = findForeign(input, basename(path), (entry) => isDatabase(ctx, input, path, entry))
      await using copy = await copyFile(ctx, { source, path: source })
      refuseDamaged(ctx, source, copy.report)
      recordFacts(ctx.fact, name, copy.report)
      yield { kind: 'stream', name, open: async () => copy.stream() }
    }
    ctx.fact('paths', Object.fromEntries(ctx.paths.map((path, index) => [names[index] as string, path])))
  },

  async preflight(ctx, _spec, snapshot) {
    for (const database of databasesOf(ctx, snapshot)) await refuseFullFolder(database)
  },

  async restore(ctx, _spec, snapshot) {
    const databases = databasesOf(ctx, snapshot)
    await using staged = new AsyncDisposableStack()
    const commits: (() => Promise<void>)[] = []
    for (const { artifact, path, hostPath, owner } of databases) {
      if (isMountedAlone(ctx.container, path)) {
        commits.push(async () => rewriteFile(hostPath, await snapshot.open(artifact)))
      } else {
        const file = staged.use(await stageDatabase(hostPath, await snapshot.open(artifact), owner))
        commits.push(file.commit)
      }
    }
    await ctx.service.stop()
    for (const commit of commits) await commit()
    const checks: Check[] = []
    for (const database of databases) checks.push(...(await proveFile(ctx, snapshot.facts, database)))
    return checks
  },

  undo: (_ctx, _spec, { folder = '' }) => removeCopy(folder),

  // The file was proven before the application ran again: after that it may rightly change.
  prove: async () => [],
}

/** `/app/data/iam.db` → `iam.db`, made unique where two come out alike. */
function artifactNames(paths: string[]): string[] {
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

function refuseDamaged(ctx: MethodContext, path: string, { integrity, unchecked }: DatabaseReport): void {
  if (unchecked.length > 0) {
    ctx.warn(`${path}: ${unchecked.join(', ')} use collations or functions of the application and were not checked`)
  }
  if (integrity.length === 1 && integrity[0] === 'ok') return
  throw new BackupError('DUMP_FAILED', `${path} is damaged: ${integrity.slice(0, 3).join('; ')}`, { hint: damagedHint })
}

const damagedHint =
  'No snapshot was kept. Restore the last good one (xnai-backup list), or repair it by sqlite3 .recover.'

function recordFacts(
  fact: (name: string, value: Facts[string]) => void,
  artifact: string,
  report: DatabaseReport,
  owner?: FileOwner,
): void {
  const names = factNames(artifact)
  fact(names.properties, report.properties)
  fact(names.rows, report.rows)
  if (owner) fact(names.owner, { uid: owner.uid, gid: owner.gid, mode: owner.mode })
}

/** By its name; a target of one database takes the file that was named, whatever it is called. */
function isDatabase(ctx: MethodContext, { entries }: ForeignInput, path: string, entry: ForeignEntry): boolean {
  if (entry.isDirectory || isArchive(entry)) return false
  return entry.name === basename(path) || (entries.length === 1 && ctx.paths.length === 1)
}

/** A database of a snapshot and its place. */
interface StoredDatabase {
  artifact: string
  path: string
  hostPath: string
  bytes: number
  /** At the backup. */
  owner?: FileOwner
}

/** RESTORE_REFUSED where the snapshot does not say where a database belongs; PATH_UNREACHABLE where no mount leads there any more. */
function databasesOf(ctx: MethodContext, { artifacts, facts }: StoredSnapshot): StoredDatabase[] {
  const paths = recordOf(facts.paths)
  return artifacts.map(({ name, bytes }) => {
    const path = paths[name]
    if (typeof path !== 'string') throw new BackupError('RESTORE_REFUSED', `the snapshot has no path for ${name}`)
    const { uid, gid, mode } = recordOf(facts[factNames(name).owner])
    const owner = { uid: Number(uid), gid: Number(gid), mode: Number(mode) }
    return {
      artifact: name,
      path,
      hostPath: ctx.hostPath(path),
      bytes,
      ...(uid !== undefined && { owner }),
    }
  })
}

/** A folder that is gone is made by the restore, and tells nothing of its room. */
async function refuseFullFolder({ path, hostPath, bytes: needed }: StoredDatabase): Promise<void> {
  const free = await freeBytes(dirname(hostPath)).catch(() => needed)
  refuseFull({ needed, free }, () => `${path} needs ${needed} bytes, its file system has ${free} free`)
}

async function proveFile(ctx: MethodContext, facts: Facts, database: StoredDatabase): Promise<Check[]> {
  const { artifact, path, hostPath, bytes } = database
  const owner = await ownerOf(hostPath, database.owner)
  const report = await runAsOwner(owner, ['inspect', hostPath], { bytes, path, signal: ctx.signal })
  return compareReport(path, artifact, facts, report)
}
