import { randomBytes } from 'node:crypto'
import { constants, createWriteStream } from 'node:fs'
import { chmod, chown, copyFile, link, lstat, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '../../errors.ts'
import { syncDirectory } from '../../lib/atomic-file.ts'
import { manifestOf, nextSequence } from './aof.ts'
import type { Layout } from './layout.ts'

/** A complete RDB file beside its place, not yet seen by the server. */
export interface StagedRdb extends AsyncDisposable {
  /** For this process. */
  path: string
}

const leftover = /^xnai-restore-[0-9a-f]{8}\.rdb$/

/** Writes the RDB beside its place, so that the stopped time holds only renames. NO_SPACE before a byte is written. */
export async function stageRdb(directory: string, bytes: number, content: Readable): Promise<StagedRdb> {
  const path = join(directory, `xnai-restore-${randomBytes(4).toString('hex')}.rdb`)
  const dispose = () => rm(path, { force: true })
  try {
    await sweep(directory)
    await refuseFull(directory, bytes)
    await pipeline(content, createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }))
    return { path, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    content.destroy()
    await dispose()
    throw error
  }
}

/** What a killed restore left. */
async function sweep(directory: string): Promise<void> {
  for (const name of await readdir(directory)) if (leftover.test(name)) await rm(join(directory, name))
}

export async function refuseFull(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory)
  const free = bavail * bsize
  if (free < bytes)
    throw new BackupError('NO_SPACE', `the data directory of Redis needs ${bytes} bytes and has ${free} free`)
}

/**
 * Puts the RDB where the stopped server will load it from. One rename commits: before it the server loads the old data, after it
 * the new. An append-only instance loads only what its manifest lists (https://redis.io/docs: loadDataFromDisk), so the manifest
 * is that rename, and every file gets a number that no old file has.
 */
export async function putInPlace(directory: string, layout: Layout, staged: StagedRdb): Promise<void> {
  const rdb = join(directory, layout.dbfilename)
  const owner = await ownerOf(rdb, directory)
  await chownLike(staged.path, owner)
  if (!(await hasAppendOnly(directory, layout))) return replace(staged.path, rdb)
  if (layout.appenddirname === undefined) return putSingleAof(directory, layout, staged.path)
  const commit = await prepareAof(join(directory, layout.appenddirname), layout.appendfilename, staged.path, owner)
  await replace(staged.path, rdb)
  await commit()
}

/** Configured, or left by a configuration that may come back with the next start. */
async function hasAppendOnly(
  directory: string,
  { appendonly, appenddirname, appendfilename }: Layout,
): Promise<boolean> {
  const manifest = appenddirname ? join(appenddirname, `${appendfilename}.manifest`) : appendfilename
  return appendonly || (await exists(join(directory, manifest)))
}

/** Redis before 7: one file, which may begin with an RDB and is appended to. */
async function putSingleAof(directory: string, layout: Layout, staged: string): Promise<void> {
  const copy = join(directory, `xnai-restore-${randomBytes(4).toString('hex')}.rdb`)
  const aof = join(directory, layout.appendfilename)
  const owner = await ownerOf(aof, directory)
  await copyFile(staged, copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  await chownLike(copy, owner)
  await replace(staged, join(directory, layout.dbfilename))
  await replace(copy, aof)
}

/** New base and empty increment in the folder; the answer makes them valid and removes what was valid before. */
async function prepareAof(folder: string, name: string, staged: string, owner: Owner): Promise<() => Promise<void>> {
  await mkdir(folder, { mode: 0o755 }).then(
    () => chown(folder, owner.uid, owner.gid),
    (error) => {
      if (error.code !== 'EEXIST') throw error
    },
  )
  const manifest = join(folder, `${name}.manifest`)
  const old = (await readdir(folder)).filter((entry) => entry.startsWith(`${name}.`))
  const made = manifestOf(name, nextSequence(name, old))
  await share(staged, join(folder, made.base))
  await create(join(folder, made.increment), '', owner)
  await create(`${manifest}.xnai-restore`, made.text, owner)
  return async () => {
    await replace(`${manifest}.xnai-restore`, manifest)
    const stale = old.filter((entry) => join(folder, entry) !== manifest)
    for (const entry of stale) await rm(join(folder, entry), { force: true })
    await syncDirectory(folder)
  }
}

/** A second name for the same bytes: the server replaces both files by others and never writes into them. */
async function share(from: string, to: string): Promise<void> {
  await link(from, to).catch((error) => {
    if (!['EPERM', 'EXDEV', 'ENOTSUP', 'EMLINK'].includes(error.code)) throw error
    return copyFile(from, to)
  })
}

interface Owner {
  uid: number
  gid: number
  mode: number
}

/** Of the file that is replaced; else of its directory, with the mode that Redis gives its files. */
async function ownerOf(path: string, directory: string): Promise<Owner> {
  const old = await lstat(path).catch(() => undefined)
  if (old?.isFile()) return { uid: old.uid, gid: old.gid, mode: old.mode & 0o777 }
  const { uid, gid } = await stat(directory)
  return { uid, gid, mode: 0o644 }
}

async function create(path: string, text: string, owner: Owner): Promise<void> {
  await rm(path, { force: true })
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await chownLike(path, owner)
}

async function chownLike(path: string, { uid, gid, mode }: Owner): Promise<void> {
  await chown(path, uid, gid)
  await chmod(path, mode)
}

async function replace(from: string, to: string): Promise<void> {
  await syncDirectory(dirname(from))
  await rename(from, to)
  await syncDirectory(dirname(to))
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  )
