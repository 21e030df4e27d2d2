import { realpathSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import { longSeconds } from '../../lib/deadline.ts'
import { type Jail, jailed } from '../../lib/jail.ts'
import { linesOf } from '../../lib/lines.ts'
import { closeStream, programStream, runProgram } from '../../lib/process.ts'
import type { ResticAddress } from './address.ts'
import { explainRestic } from './explain.ts'

/** All that a process needs to run restic. It is copied into children. */
export interface Restic {
  address: ResticAddress
  password: string
  /** Folder of this control plane alone: restic's cache, its temporary files, and the signs of life of its processes. */
  home: string
  /** The path of the program. */
  program: string
  /** The name of the machine in restic's locks. It belongs to one process of ours, so that a lock says whether its owner lives. */
  host: string
}

/** What a call of restic adds to that. */
export interface ResticCall {
  signal: AbortSignal
  /** What it sees beside the repository. */
  jail?: Jail
  /** What a program that it starts reads from descriptor 4 and on. Not together with `from`. */
  inputs?: Readable[]
  /** A second repository, from which it copies. */
  from?: Restic
  /** Reads everything from the repository itself. Default: what does not change may come from the cache. */
  isCacheless?: boolean
}

const REPOSITORY = '/repository'
const PROGRAM = '/restic'
const PASSWORD = '/password'
const FROM_REPOSITORY = '/from-repository'
const FROM_PASSWORD = '/from-password'
const CACHE = '/cache'

/** How long a call waits for another one that keeps the repository to itself. */
const RETRY_LOCK = '5m'

/** Files that a back end elsewhere needs: names, certificates, and the keys of ssh, rclone and S3. */
const remoteFiles = [
  ...['resolv.conf', 'hosts', 'nsswitch.conf', 'services', 'ssl', 'ca-certificates', 'passwd', 'group', 'ssh'].map(
    (name) => `/etc/${name}`,
  ),
  ...['.ssh', '.config/rclone', '.aws'].map((name) => join(homedir(), name)),
]

/** The path of the program. Throws TOOL_MISSING where there is none of this name, or one that is too old. */
export async function findRestic(name: string, signal: AbortSignal): Promise<string> {
  const { stdout: found } = await runProgram('sh', ['-c', 'command -v -- "$1"', 'sh', name], { signal })
  if (found.trim() === '') throw new BackupError('TOOL_MISSING', `${name}: no such program`)
  const program = realpathSync(found.trim())
  const { stdout } = await runProgram(program, ['version', '--json'], { signal })
  // Before 0.17 the answer was no JSON.
  const [version, major, minor] = /(\d+)\.(\d+)\.\d+/.exec(stdout) ?? ['of an unknown version']
  if (Number(major) > 0 || Number(minor) >= 18) return program
  throw new BackupError('TOOL_MISSING', `restic ${version} is too old: 0.18 or newer is needed`, {
    hint: `Put a newer restic in the place of ${found.trim()}. The image of xnai-backup has one.`,
  })
}

/** Runs restic to its end and answers its standard output. Every exit code but 0 is an error: see `explainRestic`. */
export async function runRestic(restic: Restic, args: string[], call: ResticCall): Promise<string> {
  const { command, options } = await prepareCall(restic, args, call)
  const result = await runProgram(...command, { ...options, timeoutSeconds: longSeconds })
  if (result.exitCode === 0) return result.stdout
  throw explainRestic(restic.address.url, result.exitCode, result.stderr)
}

/** Each line of JSON that restic prints, parsed, while it runs. Ends after exit code 0 alone. */
export async function* resticMessages(
  restic: Restic,
  args: string[],
  call: ResticCall,
): AsyncGenerator<Record<string, unknown>> {
  const stream = await resticStream(restic, args, call)
  try {
    for await (const line of linesOf(stream)) if (line.startsWith('{')) yield JSON.parse(line)
  } finally {
    await closeStream(stream)
  }
}

/** The standard output of restic. It ends cleanly only after exit code 0. */
export async function resticStream(restic: Restic, args: string[], call: ResticCall): Promise<Readable> {
  const { command, options } = await prepareCall(restic, args, call)
  return programStream(...command, options)
}

async function prepareCall({ address, password, home, program, host }: Restic, args: string[], call: ResticCall) {
  const [cache, temporary] = [join(home, 'cache'), join(home, 'tmp')]
  for (const folder of [cache, temporary]) await mkdir(folder, { recursive: true, mode: 0o700 })
  const { from } = call
  const inside = placeOf(address, REPOSITORY)
  const second = from && placeOf(from.address, FROM_REPOSITORY)
  const isElsewhere = inside.isElsewhere || second?.isElsewhere === true
  const jail: Jail = {
    host,
    secrets: [PASSWORD, ...(second ? [FROM_PASSWORD] : [])],
    network: isElsewhere,
    ...call.jail,
    readOnly: { [PROGRAM]: program },
    system: isElsewhere ? remoteFiles : [],
    folders: {
      [CACHE]: cache,
      '/tmp': temporary,
      ...inside.folders,
      ...second?.folders,
      ...call.jail?.folders,
    },
  }
  const flags = ['--json', '--password-file', PASSWORD, '--retry-lock', RETRY_LOCK]
  const cached = call.isCacheless ? ['--no-cache'] : ['--cache-dir', CACHE, '--cleanup-cache']
  const environment = {
    // It may hold a password, which argv would show.
    RESTIC_REPOSITORY: inside.repository,
    ...(second && { RESTIC_FROM_REPOSITORY: second.repository, RESTIC_FROM_PASSWORD_FILE: FROM_PASSWORD }),
    RESTIC_PROGRESS_FPS: '1',
    // What this machine has set for its own use of restic speaks of another repository.
    ...{ RESTIC_REPOSITORY_FILE: '', RESTIC_PASSWORD: '', RESTIC_PASSWORD_FILE: '', RESTIC_PASSWORD_COMMAND: '' },
    TMPDIR: '/tmp',
  }
  const inputs = [password, ...(from ? [from.password] : []), ...(call.inputs ?? [])]
  return {
    command: jailed(jail, PROGRAM, [...flags, ...cached, ...args]),
    options: { signal: call.signal, environment, inputs },
  }
}

/** How restic names a repository in the jail, and what it has to see there. */
function placeOf({ directory, repository }: ResticAddress, place: string) {
  if (directory === undefined) return { repository, folders: {}, isElsewhere: true }
  return { repository: place, folders: { [place]: directory }, isElsewhere: false }
}
