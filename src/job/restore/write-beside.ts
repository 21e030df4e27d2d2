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
import { repositoryOf, snapshotRef } from '../repositories.ts'
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
      await chooseWholeCopy(parts, report, pins, signal)
      const folder = await makeEmptyFolder(to, report.step.name)
      try {
        await writeArtifacts(parts, report, { folder, only, signal })
      } catch (error) {
        // What is left over must not hide the first error.
        await removeTree(folder, new AbortController().signal).catch(() => {})
        throw error
      }
      report.noteWrote(join(to.hostPath, report.step.name))
    })
  }
}

async function makeEmptyFolder({ hostPath, path }: HostPlace, name: string): Promise<string> {
  const folder = join(path, name)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).length === 0) return folder
  throw new BackupError('RESTORE_REFUSED', `${join(hostPath, name)} is not empty`, {
    hint: 'Nothing was touched. Name another directory.',
  })
}

async function writeArtifacts(
  parts: Parts,
  report: RestoreReport,
  how: { folder: string; only: string[] | undefined; signal: AbortSignal },
): Promise<void> {
  for (const artifact of report.step.snapshot.artifacts) await writeArtifact(parts, report, artifact, how)
  await syncDirectory(how.folder)
}

/** Places trees in the target's folder as they lay in the container, relative to the deepest folder that holds all of them. */
async function writeArtifact(
  parts: Parts,
  report: RestoreReport,
  artifact: ArtifactRecord,
  { folder, only, signal }: { folder: string; only: string[] | undefined; signal: AbortSignal },
): Promise<void> {
  const { snapshot } = report.step
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
