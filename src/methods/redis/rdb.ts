import { constants, type FileHandle, open } from 'node:fs/promises'
import { posix } from 'node:path'
import { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import { openParent } from '../../lib/tree/open-root.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import type { Layout } from './layout.ts'
import { type CheckReport, checkScript, checkStream, checkTimeoutSeconds, parseReport } from './rdb-check.ts'

/** The name of the only artifact of a snapshot. */
export const rdbArtifact = 'dump.rdb'

/** The size of the RDB of a snapshot. */
export const rdbBytes = ({ artifacts }: StoredSnapshot): number =>
  artifacts.find(({ name }) => name === rdbArtifact)?.bytes ?? 0

/** An RDB file that is held open. A later save renames another file over its name and leaves this one as it is. */
export interface OpenRdb extends AsyncDisposable {
  bytes: number
  /** The first nine bytes, such as `REDIS0012`: magic and version of the format. */
  header: string
  /** What the server's own checker reports; absent where the image lacks it. */
  report?: CheckReport
  /** The content. The stream fails where it is not `bytes` long. */
  stream(signal: AbortSignal): Readable
}

/**
 * Opens the file that the last save left and proves it: the server's own checker reads that very inode up to its checksum. DUMP_FAILED
 * where the checker refuses it, or where the save began before `sinceSecond` of the server's clock.
 */
export async function openRdb(ctx: MethodContext, layout: Layout, sinceSecond: number): Promise<OpenRdb> {
  const inside = posix.join(layout.dir, layout.dbfilename)
  for (let attempt = 1; attempt <= 5; attempt++) {
    const rdb = await holdInside(ctx.hostPath(inside))
    try {
      const report = await check(ctx, inside, rdb)
      if (!report) return checkEnds(ctx, rdb)
      if (report.inodes.every((inode) => inode === rdb.inode)) return proven(rdb, report, sinceSecond)
    } catch (error) {
      await rdb[Symbol.asyncDispose]()
      throw error
    }
    // A save that the service began by itself replaced the file while it was checked.
    await rdb[Symbol.asyncDispose]()
  }
  throw new BackupError('NOT_STILL', `${inside} was replaced by other saves again and again`, {
    hint: 'Space the save points of Redis further apart.',
  })
}

/** Lets the checker in the container read a file of another origin from its standard input. RESTORE_REFUSED where it refuses it. */
export async function readForeignRdb(ctx: MethodContext, path: string): Promise<Pick<OpenRdb, 'header' | 'report'>> {
  await using rdb = await hold(path)
  const report = await checkStream(ctx, rdb.stream(ctx.signal), rdb.bytes)
  if (!report) return await checkEnds(ctx, rdb)
  if (report.ok) return { header: rdb.header, report }
  throw new BackupError('RESTORE_REFUSED', `redis-check-rdb refuses ${path}: ${report.failure}`, {
    hint: 'Nothing was touched. The file is cut, damaged, or of a newer version than the image can read.',
  })
}

type HeldRdb = OpenRdb & { inode: string; handle: FileHandle }

/** Opens a file in a folder that a container can swap for a link at any time. */
async function holdInside(path: string): Promise<HeldRdb> {
  using place = openParent(path)
  return await hold(`${place.folder}/${place.name}`)
}

async function hold(path: string): Promise<HeldRdb> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const { ino, size } = await handle.stat({ bigint: true })
  const bytes = Number(size)
  const head = await handle.read(Buffer.alloc(9), 0, 9, 0)
  return {
    handle,
    bytes,
    inode: String(ino),
    header: head.buffer.toString('latin1', 0, head.bytesRead),
    stream: (signal) => readExactly(handle, bytes, signal),
    [Symbol.asyncDispose]: () => handle.close(),
  }
}

async function check(ctx: MethodContext, inside: string, { bytes }: HeldRdb): Promise<CheckReport | undefined> {
  const command = ['/bin/sh', '-c', checkScript, 'sh', inside]
  const result = await ctx.exec(command, { timeoutSeconds: checkTimeoutSeconds(bytes) })
  return result.exitCode === 127 ? undefined : parseReport(result)
}

function proven(rdb: HeldRdb, report: CheckReport, sinceSecond: number): OpenRdb {
  if (!report.ok) throw new BackupError('DUMP_FAILED', `redis-check-rdb refuses the file: ${report.failure}`)
  if (report.savedSecond !== undefined && report.savedSecond < sinceSecond) {
    throw new BackupError('DUMP_FAILED', 'the RDB file is older than the save that was asked for', {
      hint: 'Does something else write to the data directory of Redis? Is it the directory that the container really uses?',
    })
  }
  return { ...rdb, report }
}

/** Checks what can be checked without the checker: the magic, and the end opcode in front of the checksum. */
async function checkEnds(ctx: MethodContext, rdb: HeldRdb): Promise<OpenRdb> {
  const end = await rdb.handle.read(Buffer.alloc(1), 0, 1, Math.max(rdb.bytes - 9, 0))
  if (!/^(REDIS|VALKEY)\d+$/.test(rdb.header) || end.buffer[0] !== 0xff) {
    throw new BackupError('DUMP_FAILED', 'the RDB file has no beginning or no end')
  }
  ctx.warn('no redis-check-rdb in the image: only the beginning, the end and the length of the RDB file were checked')
  return rdb
}

/** Reads an open file of known length. Fewer bytes are an error of the stream. */
function readExactly(handle: FileHandle, bytes: number, signal: AbortSignal): Readable {
  const source = async function* () {
    let seen = 0
    for await (const chunk of handle.createReadStream({ start: 0, autoClose: false, signal, highWaterMark: 1 << 20 })) {
      seen += chunk.length
      yield chunk
    }
    if (seen !== bytes) throw new BackupError('DUMP_FAILED', `the RDB file gave ${seen} of ${bytes} bytes`)
  }
  return Readable.from(source(), { objectMode: false })
}
