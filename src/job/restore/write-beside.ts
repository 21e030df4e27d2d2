import { createWriteStream } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join, posix, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '../../errors.ts'
import { syncDirectory } from '../../lib/replace-file.ts'
import { ensureRoot } from '../../lib/tree/in-child.ts'
import { pathsWithin } from '../../lib/tree/only.ts'
import { ANCHOR } from '../../lib/tree/open-root.ts'
import type { ArtifactRecord } from '../../repository/repository.ts'
import type { Parts } from '../job.ts'
import { repositoryOf, snapshotRef } from '../repositories.ts'
import { refuseDamaged } from './checks.ts'
import type { RestorePlan } from './plan.ts'
import type { RestoreReport } from './report.ts'

/** `restore --to DIR` writes trees and dumps into a folder named after the target. It touches no container. */
export async function writeBeside(
  parts: Parts,
  { to, only }: RestorePlan,
  reports: RestoreReport[],
  signal: AbortSignal,
) {
  for (const report of reports) {
    const folder = join(resolve(to ?? '.'), report.step.name)
    await report.attempt('writing', async () => {
      await refuseDamaged(parts, report.step.snapshot, signal)
      await makeEmptyFolder(folder)
      for (const artifact of report.step.snapshot.artifacts)
        await writeArtifact(parts, report, artifact, { folder, only, signal })
      await syncDirectory(folder)
    })
  }
}

async function makeEmptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).length === 0) return
  throw new BackupError('RESTORE_REFUSED', `${folder} is not empty`, {
    hint: 'Nothing was touched. Name another directory.',
  })
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
