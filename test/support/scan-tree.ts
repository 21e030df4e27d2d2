import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { parseAttributes } from '../../src/lib/tree/attributes.ts'

/** All that a restore has to bring back of one entry, as text that a failing comparison shows. */
export type Scan = Record<string, string>

/** Every entry below `root`, the root's own as `.`: independent of the product's walk and tar code. */
export function scanTree(root: string): Scan {
  const attributes = readAllAttributes(root)
  const inodes = new Map<bigint, string>()
  const scan: Scan = {}
  const visit = (path: string) => {
    const absolute = join(root, path)
    const stats = lstatSync(absolute, { bigint: true })
    const first = stats.isDirectory() ? path : (inodes.get(stats.ino) ?? path)
    inodes.set(stats.ino, first)
    const own = attributes.get(path) ?? []
    scan[path] = [
      `mode ${stats.mode.toString(8)} owner ${stats.uid}:${stats.gid} mtime ${stats.mtimeNs}`,
      ...(first === path ? [] : [`same inode as ${first}`]),
      ...(stats.isSymbolicLink() ? [`to ${readlinkSync(absolute)}`] : []),
      ...(stats.isFile() ? [`${stats.size} bytes ${contentHash(absolute)} ${isSparse(stats) ? 'holes' : 'full'}`] : []),
      ...(stats.isCharacterDevice() || stats.isBlockDevice() ? [`device ${stats.rdev}`] : []),
      ...own.map(([name, value]) => `${name}=${value.toString('hex')}`).sort(),
    ].join('; ')
    if (stats.isDirectory())
      for (const name of readdirSync(absolute).sort()) visit(path === '.' ? name : `${path}/${name}`)
  }
  visit('.')
  return scan
}

function readAllAttributes(root: string) {
  const dump = execFileSync('getfattr', ['-R', '-h', '-d', '-m', '-', '-e', 'base64', '.'], {
    cwd: root,
    maxBuffer: 2 ** 28,
  })
  return parseAttributes(dump.toString())
}

function contentHash(path: string): string {
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(4 * 1024 * 1024)
  const descriptor = openSync(path, 'r')
  for (let count = 1; count > 0; ) {
    count = readSync(descriptor, buffer)
    hash.update(buffer.subarray(0, count))
  }
  closeSync(descriptor)
  return hash.digest('hex').slice(0, 16)
}

/** At least half of the file is holes. */
function isSparse({ blocks, size }: { blocks: bigint; size: bigint }): boolean {
  return size > 0n && blocks * 512n < size / 2n
}
