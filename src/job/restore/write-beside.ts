import { createWriteStream } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { besideLock } from '../../catalog/keys.ts'
import { BackupError } from '../../errors.ts'
import { syncDirectory } from '../../lib/replace-file.ts'
import { ensureRoot, removeTree } from '../../lib/tree/in-child.ts'
import { pathsWithin } from '../../lib/tree/only.ts'
import { ANCHOR } from '../../lib/tree/open-root.ts'
import type { ArtifactRecord } from '../../repository/repository.ts'
import type { Parts } from '../job.ts'
import { repositoryOf, snapshotRef, type TieredSnapshot } from '../repositories.ts'
import { refuseDamaged } from './checks.ts'
import type { HostPlace } from './host-place.ts'
import type { RestoreReport } from './report.ts'
import { chooseWholeCopy } from './whole-copy.ts'

/**
 * `restore --to DIR` writes trees and dumps into a folder named after the target. It touches no container. A failure removes what it has
 * written.
 */
export async function writeBeside(
  parts: Parts,
  { run, to, only, pins }: { run: string; to: HostPlace; only: string[] | undefined; pins: DisposableStack },
  reports: RestoreReport[],
  signal: AbortSignal,
) {
  // By this lock `status` and `cancel` find the run. It keeps no other one from working on the target.
  using _beside = parts.catalog.lock(
    reports.map(({ step }) => besideLock(step.project, step.name, run)),
    run,
  )
  for (const report of reports) {
    await report.attempt('writing', async () => {
      const write = (copy: TieredSnapshot) => writeCopy(parts, report, { copy, to, only }, signal)
      const failure = await chooseWholeCopy(parts, report, pins, signal, write)
      if (failure !== undefined) throw failure
      report.noteWrote(join(to.hostPath, report.step.name))
    })
  }
}

/**
 * Writes a copy of the snapshot while every stored byte of it is read back: nobody uses the folder yet, and it is removed where one of the
 * two fails. Answers why the copy could not be written, and throws where it is not whole.
 */
async function writeCopy(
  parts: Parts,
  report: RestoreReport,
  { copy, to, only }: { copy: TieredSnapshot; to: HostPlace; only: string[] | undefined },
  signal: AbortSignal,
): Promise<unknown> {
  const folder = await makeEmptyFolder(to, report.step.name)
  const stop = new AbortController()
  const how = { copy, folder, only, signal: AbortSignal.any([signal, stop.signal]) }
  const stopWriting = (error: unknown) => {
    stop.abort(error)
    throw error
  }
  const [read, written] = await Promise.allSettled([
    refuseDamaged(parts, copy, signal).catch(stopWriting),
    writeArtifacts(parts, report, how),
  ])
  const isWhole = read.status === 'fulfilled'
  if (isWhole && written.status === 'fulfilled') return undefined
  // A failure to remove the rest must not hide the first error.
  await removeTree(folder, new AbortController().signal).catch(() => {})
  if (!isWhole) throw read.reason
  return written.status === 'rejected' ? written.reason : undefined
}

async function makeEmptyFolder({ hostPath, path }: HostPlace, name: string): Promise<string> {
  const folder = join(path, name)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).length === 0) return folder
  throw new BackupError('RESTORE_REFUSED', `${join(hostPath, name)} is not empty`, {
    hint: 'Nothing was touched. Name another directory.',
  })
}

interface Writing {
  copy: TieredSnapshot
  folder: string
  only: string[] | undefined
  signal: AbortSignal
}

async function writeArtifacts(parts: Parts, report: RestoreReport, how: Writing): Promise<void> {
  for (const artifact of how.copy.artifacts) await writeArtifact(parts, report, artifact, how)
  await syncDirectory(how.folder)
}

/** Places trees in the target's folder as they lay in the container, relative to the deepest folder that holds all of them. */
async function writeArtifact(
  parts: Parts,
  report: RestoreReport,
  artifact: ArtifactRecord,
  { copy: snapshot, folder, only, signal }: Writing,
): Promise<void> {
  const repository = repositoryOf(parts, snapshotRef(snapshot).tier)
  const { onBytes } = report
  if (artifact.kind === 'stream') {
    const sink = createWriteStream(join(folder, artifact.name), { flags: 'wx', mode: 0o600, flush: true })
    await pipeline(await repository.open(snapshot, artifact.name, signal), sink, { signal })
    return onBytes(artifact.bytes)
  }
  const { origin = '/', isFile } = artifact
  const wanted = pathsWithin(origin, only)
  if (wanted?.length === 0) return
  const inside = posix.relative(commonFolder(snapshot.artifacts), origin)
  // An outer tree may hold a link where an inner one has a folder.
  const root = inside === '' ? folder : `${folder}${ANCHOR}${inside}`
  await ensureRoot(root, isFile ? 'file' : 'directory', signal)
  await repository.extract(snapshot, artifact.name, root, { signal, onBytes, ...(wanted && { only: wanted }) })
}

/** The deepest folder of the container that holds all trees. For a single tree it is the tree's own root. */
function commonFolder(artifacts: ArtifactRecord[]): string {
  const folders = artifacts.flatMap(({ kind, origin = '/', isFile }) =>
    kind === 'tree' ? [(isFile ? posix.dirname(origin) : origin).split('/')] : [],
  )
  const [first = [], ...others] = folders
  const differs = first.findIndex((part, index) => others.some((other) => other[index] !== part))
  return (differs < 0 ? first : first.slice(0, differs)).join('/') || '/'
}
