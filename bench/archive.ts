/**
 * Packs and unpacks two sets of files by the archive repository and by GNU tar with zstd, in turns, and prints the
 * ratios.
 */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openArchive } from '../src/repository/archive.ts'
import type { Artifact, Snapshot, SnapshotMeta } from '../src/repository/repository.ts'
import { printTable } from './print-table.ts'

const ROUNDS = 3
const signal = new AbortController().signal
const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'bench-archive-'))

const meta: SnapshotMeta = {
  id: 'bench',
  project: 'bench',
  target: 'bench',
  method: 'files',
  time: '2026-01-01T00:00:00.000Z',
  set: 'bench',
  run: 'bench',
  reason: 'manual',
  facts: {},
  container: { name: '', image: '', imageId: '', user: '' },
  engine: { name: '', version: '' },
  creator: '',
  quiesced: [],
  warnings: [],
}

interface Times {
  pack: number[]
  unpack: number[]
}

try {
  const rows: string[][] = []
  for (const [name, make] of Object.entries({ small: makeSmallFiles, big: makeBigFiles })) {
    const source = join(folder, name)
    make(source)
    const gnu: Times = { pack: [], unpack: [] }
    const ours: Times = { pack: [], unpack: [] }
    for (let round = 0; round < ROUNDS; round++) {
      measureGnu(source, gnu)
      await measureOurs(source, ours)
    }
    for (const work of ['pack', 'unpack'] as const) {
      const [theirs, own] = [Math.min(...gnu[work]), Math.min(...ours[work])]
      rows.push([name, work, theirs.toFixed(2), own.toFixed(2), (own / theirs).toFixed(2)])
    }
  }
  printTable(['SET', 'WORK', 'GNU tar | zstd -3 (s)', 'archive (s)', 'RATIO'], rows)
  console.log(`best of ${ROUNDS}; peak memory of this process ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** 50,000 files of about 5 KB. */
function makeSmallFiles(root: string): void {
  for (let outer = 0; outer < 500; outer++) {
    mkdirSync(join(root, `folder-${outer}`), { recursive: true })
    for (let inner = 0; inner < 100; inner++) {
      writeFileSync(join(root, `folder-${outer}`, `file-${inner}`), halfCompressible(4800))
    }
  }
}

/** Six files of 256 MB. */
function makeBigFiles(root: string): void {
  mkdirSync(root)
  for (let index = 0; index < 6; index++) {
    const file = openSync(join(root, `file-${index}`), 'w')
    for (let piece = 0; piece < 256; piece++) writeSync(file, halfCompressible(1024 * 1024))
    closeSync(file)
  }
}

function halfCompressible(bytes: number): Buffer {
  return Buffer.concat([randomBytes(bytes / 2), Buffer.alloc(bytes / 2, 'compressible ')])
}

function measureGnu(source: string, times: Times): void {
  const to = join(folder, 'gnu')
  const stored = join(folder, 'gnu.tar.zst')
  const flags = '--xattrs --acls --numeric-owner'
  const shell = (script: string) => {
    const { status } = spawnSync('sh', ['-c', script], { stdio: ['ignore', 'ignore', 'inherit'] })
    if (status !== 0) throw new Error(`exit code ${status}: ${script}`)
  }
  times.pack.push(
    seconds(() =>
      shell(
        `tar ${flags} --sparse --format=posix -C ${source} -cf - . | zstd -q -T0 -3 -o ${stored} && sync ${stored}`,
      ),
    ),
  )
  mkdirSync(to)
  times.unpack.push(
    seconds(() => shell(`zstd -q -dc ${stored} | tar ${flags} '--xattrs-include=*' -xpf - -C ${to} && sync -f ${to}`)),
  )
  rmSync(to, { recursive: true })
  rmSync(stored)
}

function seconds(work: () => void): number {
  const start = performance.now()
  work()
  return (performance.now() - start) / 1000
}

async function measureOurs(source: string, times: Times): Promise<void> {
  const [dir, to] = [join(folder, 'repository'), join(folder, 'to')]
  mkdirSync(dir)
  mkdirSync(to)
  const repository = openArchive(dir)
  const start = performance.now()
  const staged = await repository.stage(
    meta,
    one({ kind: 'tree', name: 'data', root: source, origin: '/', exclude: [] }),
    { signal },
  )
  const snapshot: Snapshot = await staged.publish(meta, signal)
  const packed = performance.now()
  await repository.extract(snapshot, 'data', to, { signal })
  times.pack.push((packed - start) / 1000)
  times.unpack.push((performance.now() - packed) / 1000)
  rmSync(to, { recursive: true })
  rmSync(dir, { recursive: true })
}

async function* one(artifact: Artifact): AsyncGenerator<Artifact> {
  yield artifact
}
