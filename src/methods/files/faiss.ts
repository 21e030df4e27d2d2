import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { BackupError } from '../../errors.ts'
import { excludeMatcher } from '../../lib/tree/exclude.ts'
import { type OpenRoot, openRoot } from '../../lib/tree/open-root.ts'
import type { TreeArtifact } from '../../repository/repository.ts'

/** The content of the header of a FAISS index. */
export interface IndexHeader {
  /** Four letters. */
  type: string
  dimension: number
  ntotal: number
}

/** An index and its path in the container. */
export interface FoundIndex {
  path: string
  header: IndexHeader
}

/** Levels of folders below the root. */
const deepest = 2
/** A bound, because a tree of something else may have any number of files at its top. */
const mostFiles = 2000
const headBytes = 128

/**
 * Finds the FAISS indexes near the top of the trees, by their paths in the container. Throws DUMP_FAILED where one cannot be whole: the
 * format has no checksum, and is written in place, so that a copy of a torn file would look like any other.
 */
export function findIndexes(trees: Pick<TreeArtifact, 'origin' | 'root' | 'exclude'>[]): FoundIndex[] {
  const found: FoundIndex[] = []
  for (const { origin, root, exclude } of trees) {
    const excluded = excludeMatcher(exclude)
    using tree = openRoot(root)
    for (const path of listFiles(tree, excluded)) {
      const { header, problem } = readIndex(tree.at(path))
      const shown = join(origin, path)
      if (problem) throw new BackupError('DUMP_FAILED', `${shown} is no whole FAISS index: ${problem}`, { hint })
      if (header) found.push({ path: shown, header })
    }
  }
  return found
}

const hint =
  'No snapshot was kept. Restore the last good one (xnai-backup list), or build the index anew; exclude it if it may go.'

function listFiles(tree: OpenRoot, excluded: (path: string) => boolean): string[] {
  const files: string[] = []
  const visit = (folder: string, depth: number) => {
    for (const entry of readEntries(tree, folder)) {
      const path = folder === '.' ? entry.name : `${folder}/${entry.name}`
      if (excluded(path) || files.length >= mostFiles) continue
      if (entry.isFile()) files.push(path)
      else if (entry.isDirectory() && depth < deepest) visit(path, depth + 1)
    }
  }
  if (tree.kind === 'directory') visit('.', 1)
  return files
}

/** What went away or cannot be read is found by the capture itself. */
function readEntries(tree: OpenRoot, folder: string) {
  try {
    return readdirSync(tree.folder(folder), { withFileTypes: true })
  } catch {
    return []
  }
}

function openQuietly(file: string): number | undefined {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
}

/** Answers neither header nor problem for a file that is something else. */
export function readIndex(file: string): { header?: IndexHeader; problem?: string } {
  const head = Buffer.alloc(headBytes)
  const descriptor = openQuietly(file)
  if (descriptor === undefined) return {}
  try {
    const { size } = fstatSync(descriptor)
    const known = head.subarray(0, readSync(descriptor, head))
    return file.endsWith('.faiss') || looksLikeIndex(known) ? judge(known, size) : {}
  } finally {
    closeSync(descriptor)
  }
}

/**
 * The format stands in faiss/impl/index_write.cpp. After four letters follow the dimension, the number of vectors, twice 2^20,
 * trained, and the metric. Binary indexes have the length of a code before the number, and not the two constants.
 */
const dimensionAt = 4
const ntotalAt = 8
const binaryNtotalAt = 12
const constantAt = 16
const metricAt = 33
const headerBytes = 37
const lengthBytes = 8

function looksLikeIndex(head: Buffer): boolean {
  if (head.length < headerBytes || !typePattern.test(head.toString('latin1', 0, 4))) return false
  return [constantAt, constantAt + 8].every((at) => head.readBigInt64LE(at) === 2n ** 20n)
}

const typePattern = /^I[A-Za-z][A-Za-z0-9]{2}$/
const flat = /^IxF[I2l]$/
const withIds = /^IxM[p2]$/

function judge(head: Buffer, size: number): { header?: IndexHeader; problem?: string } {
  const type = head.toString('latin1', 0, 4)
  if (!typePattern.test(type)) return { problem: size === 0 ? 'it is empty' : 'it does not begin as one' }
  if (head.length < headerBytes) return { problem: `it ends in its header, after ${size} bytes` }
  const dimension = head.readInt32LE(dimensionAt)
  const ntotal = Number(head.readBigInt64LE(type.startsWith('IB') ? binaryNtotalAt : ntotalAt))
  if (dimension <= 0 || ntotal < 0 || !Number.isSafeInteger(ntotal)) {
    return { problem: `its header says ${ntotal} vectors of dimension ${dimension}` }
  }
  const least = leastBytes(head, type, { dimension, ntotal })
  if (size < least)
    return { problem: `${ntotal} vectors of dimension ${dimension} need ${least} bytes, it has ${size}` }
  return { header: { type, dimension, ntotal } }
}

/** Uncompressed vectors have a known length; other types have at least their header. */
function leastBytes(head: Buffer, type: string, { dimension, ntotal }: Omit<IndexHeader, 'type'>): number {
  if (flat.test(type)) return headerBytes + lengthBytes + ntotal * dimension * 4
  if (!withIds.test(type)) return headerBytes
  // The index itself follows, and the ids after it. Metrics above 1 have an argument.
  const inner = head.subarray(headerBytes + (head.readInt32LE(metricAt) > 1 ? 4 : 0))
  const innerType = inner.toString('latin1', 0, 4)
  return headerBytes + leastBytes(inner, innerType, { dimension, ntotal }) + lengthBytes + ntotal * 8
}
