import { BackupError } from '../../errors.ts'
import { jailed } from '../jail.ts'
import { type FedProgram, feedProgram } from '../process.ts'
import { formatAttributes } from './attributes.ts'
import type { TreeEntry } from './entry.ts'
import type { OpenRoot } from './open-root.ts'
import { BILLION } from './pax.ts'

/** Puts on what Node has no exact call for. An entry MUST be complete before it is added: nothing may be put into it any more. */
export interface MetadataWriter {
  add(entry: Pick<TreeEntry, 'path' | 'mtimeNs' | 'attributes'>): Promise<void>
  /** Settles when everything is put on. */
  end(): Promise<void>
  /** Ends the programs at once, and settles when they have ended. */
  abandon(): Promise<void>
}

/**
 * Puts attributes on by setfattr and times, to the nanosecond, by perl: one process each for a whole tree. Paths are relative to
 * `folder`.
 */
export function metadataWriter({ descriptor }: Pick<OpenRoot, 'descriptor'>, signal: AbortSignal): MetadataWriter {
  const start = (program: string, args: string[]) =>
    collecting(() => feedProgram(...jailed({ tree: descriptor, writable: true }, program, args), { signal }))
  const times = start('perl', ['-e', SET_TIMES, utimensatNumber()])
  const attributes = start('setfattr', ['-h', '--restore=-'])
  return {
    add: async ({ path, mtimeNs, attributes: own }) => {
      const seconds = BigInt.asIntN(64, mtimeNs - floorMod(mtimeNs)) / BILLION
      await times.write(`${path}\0${seconds}\0${floorMod(mtimeNs)}\0`)
      if (own && own.length > 0) await attributes.write(formatAttributes(path, own))
    },
    end: async () => {
      await attributes.end().catch((error) => {
        throw explainAttributes(error)
      })
      await times.end()
    },
    abandon: async () => {
      await Promise.all([times.abandon(), attributes.abandon()])
    },
  }
}

function floorMod(nanoseconds: bigint): bigint {
  return ((nanoseconds % BILLION) + BILLION) % BILLION
}

/**
 * Node sets times as floating point seconds, 240 ns apart nowadays, and touch(1) takes one time a process. perl-base, an essential
 * package of Debian, can make the system call. 1073741822 is UTIME_OMIT, -100 AT_FDCWD, 256 AT_SYMLINK_NOFOLLOW.
 */
const SET_TIMES = `
$/ = "\\0"; my $number = shift() + 0;
while (defined(my $path = <STDIN>)) {
  chomp $path; chomp(my $seconds = <STDIN>); chomp(my $nanoseconds = <STDIN>);
  my $times = pack("q4", 0, 1073741822, $seconds, $nanoseconds);
  syscall($number, -100, $path, $times, 256) == 0 or die "$path: $!\\n";
}`

/** Number of utimensat(2) by machine: 64-bit ones only, where the times are 64-bit too. */
const systemCallNumbers: Partial<Record<NodeJS.Architecture, string>> = {
  x64: '280',
  arm64: '88',
  riscv64: '88',
  loong64: '88',
  ppc64: '304',
  s390x: '315',
}

function utimensatNumber(): string {
  const number = systemCallNumbers[process.arch]
  if (number !== undefined) return number
  throw new BackupError('TOOL_MISSING', `no way to set exact file times on ${process.arch}`)
}

/** Starts the program with the first text, and joins small texts to larger pieces. */
function collecting(start: () => FedProgram): FedProgram {
  let program: FedProgram | undefined
  let text = ''
  const flush = async () => {
    const piece = text
    text = ''
    program ??= start()
    await program.write(piece)
  }
  return {
    write: async (piece) => {
      text += piece
      if (text.length > 32 * 1024) await flush()
    },
    end: async () => {
      if (text !== '') await flush()
      await program?.end()
    },
    abandon: async () => program?.abandon(),
  }
}

function explainAttributes(error: unknown): unknown {
  if (!(error instanceof BackupError) || error.code !== 'TOOL_FAILED') return error
  const hint =
    'Does the file system that is restored to hold extended attributes and ACLs, and may this process set them?'
  return new BackupError('RESTORE_FAILED', `an attribute cannot be put back: ${error.message}`, { cause: error, hint })
}
