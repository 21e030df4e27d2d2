import { existsSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { BackupError } from '../../errors.ts'
import { clearTree } from '../../lib/tree/clear.ts'
import { digestTree } from '../../lib/tree/digest.ts'
import { fingerprintTree } from '../../lib/tree/fingerprint.ts'
import { pathsWithin } from '../../lib/tree/only.ts'
import type { ArtifactRecord } from '../../repository/repository.ts'
import type { Check, ForeignInput, Method, MethodContext, RestoreContext, StoredSnapshot } from '../method.ts'
import { extractTree } from '../shared/extract.ts'
import { isArchive } from '../shared/foreign.ts'
import { recordIndexes } from './faiss.ts'

/** Trees as they lie on a volume or bind mount, read while their writers are down, or with a proof that they stood still. */
export const files: Method<'files'> = {
  kind: 'files',
  needsRunning: false,
  capturesTrees: true,

  paths: (spec, container) =>
    spec.paths ??
    container.mounts.filter(({ writable, kind }) => writable && kind !== 'other').map(({ destination }) => destination),

  async *capture(ctx, { quiesce, exclude }) {
    const trees = ctx.paths.map((path) => ({ origin: path, root: ctx.hostPath(path) }))
    const fingerprint = async () => Promise.all(trees.map(({ root }) => fingerprintTree(root, exclude, ctx.signal)))
    const before = quiesce === 'none' ? await fingerprint() : []
    const names = artifactNames(ctx.paths)
    for (const [index, tree] of trees.entries()) yield { kind: 'tree', name: names[index] as string, exclude, ...tree }
    if (quiesce === 'none') refuseChange(trees, before, await fingerprint())
    recordIndexes(ctx, trees, exclude)
  },

  async *import(ctx, { exclude }, input) {
    const trees = ctx.paths.flatMap((path) => {
      const root = findTree(ctx, input, path)
      return root === undefined ? [] : [{ origin: path, root }]
    })
    if (trees.length === 0) {
      const message = `${input.name} holds none of ${ctx.paths.join(', ')}`
      throw new BackupError('RESTORE_REFUSED', message, {
        hint: 'Nothing was touched. Name the folder or file itself.',
      })
    }
    const names = artifactNames(trees.map(({ origin }) => origin))
    for (const [index, tree] of trees.entries()) yield { kind: 'tree', name: names[index] as string, exclude, ...tree }
    recordIndexes(ctx, trees, exclude)
  },

  async restore(ctx, { quiesce }, snapshot) {
    const trees = snapshot.artifacts.filter(({ kind }) => kind === 'tree')
    const parts = trees
      .map((artifact) => partOf(ctx, artifact))
      .filter(({ only }) => only === undefined || only.length > 0)
    if (quiesce !== 'none') await ctx.service.stop()
    const checks: Check[] = []
    for (const part of parts) checks.push(...(await replaceTree(ctx, snapshot, part)))
    return checks
  },

  // What is on disk was proven before the service ran again: after that it may rightly change.
  prove: async () => [],
}

/** By its name; a target of one path takes the file or folder that was named, whatever it is called. */
function findTree(ctx: MethodContext, input: ForeignInput, path: string): string | undefined {
  const [named] = input.entries
  const found = input.entries.find(({ name }) => name === basename(path))
  const root = found ?? (ctx.paths.length === 1 && named && !isArchive(named) ? named : undefined)
  if (!root) ctx.warn(`${path} is not in ${input.name}, and is left as it is`)
  else warnOfOwner(ctx, root.path, path)
  return root?.path
}

function warnOfOwner(ctx: MethodContext, root: string, path: string): void {
  const now = statSync(ctx.hostPath(path), { throwIfNoEntry: false })
  const then = statSync(root)
  if (!now || (now.uid === then.uid && now.gid === then.gid)) return
  const said = `${root} belongs to ${then.uid}:${then.gid}, ${path} to ${now.uid}:${now.gid}`
  ctx.warn(`${said}: what comes back has the owners of the former; is that not right, chown it and restore it again`)
}

/** `/app/data` → `app-data`, made unique where two paths come out alike. */
function artifactNames(paths: string[]): string[] {
  const used = new Set<string>()
  return paths.map((path) => {
    const base =
      path
        .replaceAll(/[^A-Za-z0-9._]+/g, '-')
        .replaceAll(/^-|-$/g, '')
        .toLowerCase() || 'root'
    let name = base
    for (let count = 2; used.has(name); count++) name = `${base}-${count}`
    used.add(name)
    return name
  })
}

function refuseChange(trees: { origin: string }[], before: string[], after: string[]): void {
  const changed = trees.filter((_, index) => before[index] !== after[index]).map(({ origin }) => origin)
  if (changed.length > 0) throw new BackupError('NOT_STILL', `${changed.join(', ')} changed while it was read`)
}

interface Part {
  artifact: ArtifactRecord
  origin: string
  root: string
  /** Paths relative to the root; absent: the whole tree. */
  only?: string[]
}

function partOf(ctx: RestoreContext, artifact: ArtifactRecord): Part {
  const origin = artifact.origin ?? ''
  const part = { artifact, origin, root: ctx.hostPath(origin) }
  const only = pathsWithin(origin, ctx.only)
  return { ...part, ...(only && { only }) }
}

/** The root stays the same inode, because it is what is mounted. What the snapshot left out is left alone. */
async function replaceTree(ctx: MethodContext, snapshot: StoredSnapshot, part: Part): Promise<Check[]> {
  const { artifact, root, only, origin } = part
  const exclude = artifact.exclude ?? []
  if (!existsSync(root)) await makeRoot(root, artifact)
  for (const path of only ?? ['.']) await clearTree(root, path, { exclude, signal: ctx.signal, onWarning: ctx.warn })
  await extractTree(snapshot, artifact, root, only)
  if (only) return []
  const actual = await digestTree(root, { exclude, signal: ctx.signal })
  const expected = artifact.plain.sha256
  return [{ name: `${origin} as it was packed`, expected, actual, ok: actual === expected }]
}

/** What is gone is made anew. */
async function makeRoot(root: string, { isFile }: ArtifactRecord): Promise<void> {
  await mkdir(isFile ? dirname(root) : root, { recursive: true })
  if (isFile) await writeFile(root, '')
}
