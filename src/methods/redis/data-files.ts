import { constants } from 'node:fs'
import { lchown, link, lstat, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { freeBytes } from '../../lib/free-space.ts'
import {
  type FileOwner,
  ownerFor,
  replaceFile,
  type StagedFile,
  stageFile,
  syncDirectory,
} from '../../lib/replace-file.ts'
import { openRoot } from '../../lib/tree/open-root.ts'
import { refuseFull } from '../shared/room.ts'
import { manifestOf, nextSequence } from './aof.ts'
import type { Layout } from './layout.ts'

/**
 * The data directory, held open: `path` leads to that very folder until it is disposed, whatever a container puts in its place. Throws
 * TREE_UNSUPPORTED where a link is there.
 */
export function openDataFolder(root: string): { path: string } & Disposable {
  const tree = openRoot(root)
  return { path: `/proc/self/fd/${tree.descriptor}`, [Symbol.dispose]: () => tree[Symbol.dispose]() }
}

/** The mode that Redis gives its own files. */
const mode = 0o644

/**
 * Writes the RDB beside its place, so that only renames are left for the time when the server is stopped. NO_SPACE before a byte is
 * written.
 */
export async function stageRdb(
  directory: string,
  { dbfilename }: Layout,
  bytes: number,
  content: Readable,
): Promise<StagedFile> {
  const path = join(directory, dbfilename)
  try {
    await refuseFullDirectory(directory, bytes)
    return await stageFile(path, content, await ownerFor(path, { mode }))
  } catch (error) {
    content.destroy()
    throw error
  }
}

/** NO_SPACE where the data directory has no room for a file of so many bytes. */
export async function refuseFullDirectory(directory: string, needed: number): Promise<void> {
  const explain = (free: number) => `the data directory of Redis needs ${needed} bytes and has ${free} free`
  refuseFull({ needed, free: await freeBytes(directory) }, explain)
}

/**
 * Puts the RDB where the stopped server will load it from. One rename commits: before it the server loads the old data, after it the new.
 * An append-only instance loads only what its manifest lists (https://redis.io/docs: loadDataFromDisk), so there the rename of the
 * manifest commits, and every file gets a number that no old file has.
 */
export async function replaceDataFiles(directory: string, layout: Layout, staged: StagedFile): Promise<void> {
  if (!(await hasAppendOnly(directory, layout))) return staged.commit()
  const { appenddirname, appendfilename } = layout
  await using aof =
    appenddirname === undefined
      ? await stageSingleAof(join(directory, appendfilename), staged.path)
      : await stageAof(join(directory, appenddirname), appendfilename, staged.path)
  await staged.commit()
  await aof.commit()
}

/** Whether the server has an append-only file, or finds one again when its configuration asks for one at the next start. */
async function hasAppendOnly(
  directory: string,
  { appendonly, appenddirname, appendfilename }: Layout,
): Promise<boolean> {
  const manifest = appenddirname ? join(appenddirname, `${appendfilename}.manifest`) : appendfilename
  return appendonly || (await exists(join(directory, manifest)))
}

/** Before Redis 7 the append-only file is one file, which may begin with an RDB and is appended to. */
async function stageSingleAof(path: string, rdb: string): Promise<StagedFile> {
  const owner = await ownerFor(path, { mode })
  return stageFile(path, await readStaged(rdb), owner)
}

/**
 * From Redis 7 the append-only file is a folder. Makes a new base and an empty increment in it. Committing makes these two valid, and
 * removes the files that were valid before.
 */
async function stageAof(path: string, name: string, rdb: string): Promise<StagedFile> {
  const owner = await ownerFor(rdb, { mode })
  await makeFolder(path, owner)
  const opened = openDataFolder(path)
  try {
    const staged = await stageInFolder(opened.path, name, { rdb, owner })
    const dispose = async () => {
      await staged[Symbol.asyncDispose]()
      opened[Symbol.dispose]()
    }
    return { ...staged, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    opened[Symbol.dispose]()
    throw error
  }
}

async function stageInFolder(
  folder: string,
  name: string,
  { rdb, owner }: { rdb: string; owner: FileOwner },
): Promise<StagedFile> {
  const manifest = join(folder, `${name}.manifest`)
  const old = (await readdir(folder)).filter((entry) => entry.startsWith(`${name}.`))
  const made = manifestOf(name, nextSequence(name, old))
  await replaceFile(join(folder, made.increment), '', owner)
  await share(rdb, join(folder, made.base), owner)
  await syncDirectory(folder)
  const staged = await stageFile(manifest, made.text, owner)
  const commit = async () => {
    await staged.commit()
    const stale = old.filter((entry) => join(folder, entry) !== manifest)
    for (const entry of stale) await rm(join(folder, entry), { force: true })
    await syncDirectory(folder)
  }
  return { ...staged, commit }
}

async function makeFolder(path: string, { uid, gid }: FileOwner): Promise<void> {
  try {
    await mkdir(path, { mode: 0o755 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return
    throw error
  }
  await lchown(path, uid, gid)
}

/** Gives the file a second name where the file system can: the server replaces both files by others and never writes into them. */
async function share(from: string, to: string, owner: FileOwner): Promise<void> {
  await link(from, to).catch((error) => {
    if (!['EPERM', 'EXDEV', 'ENOTSUP', 'EMLINK'].includes(error.code)) throw error
    return readStaged(from).then((content) => replaceFile(to, content, owner))
  })
}

/** A container can put a link in the place of the staged file. */
async function readStaged(path: string): Promise<Readable> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  return file.createReadStream()
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  )
