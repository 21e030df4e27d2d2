import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '../../errors.ts'
import { hashing } from '../../lib/hash.ts'
import { copyByArtifacts } from '../copy-artifacts.ts'
import type { CopyOptions, Repository, Snapshot, Tampering } from '../repository.ts'
import { inRepository } from './explain.ts'
import { folderOf, MANIFEST, SUMS } from './layout.ts'
import { asStored, readManifest } from './manifest.ts'
import { type OwnArchive, openStaging, removeFolder } from './staging.ts'

/** Copies into the archive, which `to` is: from another archive file by file, else artifact by artifact. */
export async function copyIntoArchive(
  archive: OwnArchive,
  to: Repository,
  other: Repository,
  snapshots: Snapshot[],
  options: CopyOptions,
): Promise<void> {
  const { copySource } = other
  const { dir } = archive
  if (copySource?.kind !== 'archive')
    return await inScratch(archive, (scratch) => copyByArtifacts({ from: other, to, scratch }, snapshots, options))
  const present = new Set((await to.list(options.signal)).map(({ id }) => id))
  for (const snapshot of snapshots.filter(({ id }) => !present.has(id))) {
    options.signal.throwIfAborted()
    await inRepository(dir, () => copyFolder(copySource.dir, archive, snapshot, options.signal))
    options.onCopied?.(snapshot)
  }
}

/** Gives work a folder of its own in an archive, which goes with the process at the latest. */
export async function inScratch<T>(archive: OwnArchive, work: (folder: string) => Promise<T>): Promise<T> {
  const staging = await inRepository(archive.dir, () => openStaging(archive))
  try {
    return await work(staging.folder)
  } finally {
    await staging.discard()
  }
}

/** Each file is proven while it is copied, and the manifest, which names the others, by its sum. */
async function copyFolder(from: string, to: OwnArchive, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
  const source = folderOf(from, snapshot, snapshot.id).absolute
  const staging = await openStaging(to)
  try {
    for (const { stored } of snapshot.artifacts.map(asStored)) await copyFile(source, staging.folder, stored, signal)
    for (const file of [MANIFEST, SUMS]) await copyFile(source, staging.folder, { file }, signal)
    await readManifest(staging.folder)
    signal.throwIfAborted()
    const final = folderOf(to.dir, snapshot, snapshot.id).absolute
    // It is not listed, and so is damaged.
    if (existsSync(final)) await removeFolder(to, final)
    await staging.publish(final)
  } catch (error) {
    await staging.discard()
    throw error
  }
}

async function copyFile(
  from: string,
  to: string,
  { file, sha256 }: { file: string; sha256?: string },
  signal: AbortSignal,
): Promise<void> {
  const plain = hashing()
  const sink = createWriteStream(join(to, file), { flags: 'wx', mode: 0o600, flush: true })
  await pipeline(createReadStream(join(from, file)), plain, sink, { signal })
  if (sha256 !== undefined && plain.digest().sha256 !== sha256)
    throw new BackupError('SNAPSHOT_DAMAGED', `${join(from, file)} has another SHA-256 than when it was written`)
}

const CANARY = '.canary-'

/** See `Repository.tamper`. What cannot be deleted stays, and is a small file. */
export async function tamperWithArchive(dir: string): Promise<Tampering> {
  const folder = await mkdtemp(join(dir, CANARY))
  await writeFile(join(folder, 'canary'), '')
  try {
    await rm(folder, { recursive: true })
    return { isRefused: false, answer: 'deleted a file' }
  } catch (error) {
    return { isRefused: true, answer: (error as Error).message }
  }
}
