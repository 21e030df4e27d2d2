import { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import type { Facts } from '../../repository/repository.ts'
import type { ExecResult, MethodContext } from '../method.ts'

/** What redis-check-rdb reports about a file. */
export interface CheckReport {
  ok: boolean
  /** The inode of the checked path before the check, and after it. */
  inodes: string[]
  /** The number of keys in the file, including expired ones. */
  keys: number
  /** The number of keys with a time to live. */
  expires: number
  /** The numbers of the databases that hold keys. */
  databases: number[]
  /** The second of the server's clock at which the save began. */
  savedSecond?: number
  /** What the checker complains about. */
  failure: string
}

const findChecker = 'check=$(command -v redis-check-rdb || command -v valkey-check-rdb) || exit 127'

/** A script for `/bin/sh` that checks the file `$1` and prints its inode before and after. */
export const checkScript = [
  findChecker,
  'stat -c "inode %i" -- "$1" || exit 1',
  '"$check" "$1"; code=$?',
  'stat -c "inode %i" -- "$1"',
  'exit "$code"',
].join('\n')

/** Allows for a slow disk and a single core, which check 10 MB in a second. */
export const checkTimeoutSeconds = (bytes: number): number => 60 + Math.ceil(bytes / 10e6)

export function parseReport({ exitCode, stdout, stderr }: ExecResult): CheckReport {
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? 0)
  const all = (pattern: RegExp) => [...stdout.matchAll(pattern)].map((match) => match[1] as string)
  const saved = /AUX FIELD ctime = '(\d+)'/.exec(stdout)?.[1]
  const complaint = stdout
    .split('\n')
    .find((line) => /^\[offset .*(error|can't|wrong|unexpected|corrupt|invalid)/i.test(line))
  return {
    ok: exitCode === 0 && stdout.includes('RDB looks OK'),
    inodes: all(/^inode (\d+)$/gm),
    keys: number(/^\[info\] (\d+) keys read/m),
    expires: number(/^\[info\] (\d+) expires/m),
    databases: all(/Selecting DB ID (\d+)/g).map(Number),
    ...(saved !== undefined && { savedSecond: Number(saved) }),
    failure: complaint?.replace(/^\[offset \d+\] /, '') ?? `exit code ${exitCode} ${stderr.trim()}`.trim(),
  }
}

/** The facts of a snapshot that a report gives; none where the image has no checker. */
export function factsOfReport(report: CheckReport | undefined): Facts {
  if (!report) return {}
  const { keys, expires, databases } = report
  return { keys, expires, databases: databases.join(',') }
}

/** Checks what comes by standard input. Returns undefined where the image has no checker. */
export async function checkStream(
  ctx: MethodContext,
  input: Readable,
  bytes: number,
): Promise<CheckReport | undefined> {
  const command = ['/bin/sh', '-c', `${findChecker}\nexec "$check" /dev/stdin`]
  const result = await ctx.exec(command, { input, timeoutSeconds: checkTimeoutSeconds(bytes) })
  return result.exitCode === 127 ? undefined : parseReport(result)
}

/**
 * RESTORE_REFUSED where the program in the container cannot read files that begin with `header`. The checker gets an empty file of that
 * version on its standard input, so that nothing is written. `writer` is the server that wrote the RDB.
 */
export async function refuseUnreadable(ctx: MethodContext, header: string, writer: string): Promise<void> {
  const empty = Buffer.concat([Buffer.from(header, 'latin1'), Buffer.from([0xff]), Buffer.alloc(8)])
  const report = await checkStream(ctx, Readable.from([empty]), empty.length)
  if (!report) return ctx.warn('no redis-check-rdb in the image: the version of the RDB file was not compared')
  if (report.ok) return
  const message = `${ctx.container.name} cannot read the RDB file of ${writer} (${header}): ${report.failure}`
  throw new BackupError('RESTORE_REFUSED', message, {
    hint: `Nothing was touched. Use an image of ${writer} or newer.`,
  })
}
