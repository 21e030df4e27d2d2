import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'

/** What one work took. */
export interface Cost {
  /** From the start of the program to its end. */
  seconds: number
  /** Time of a processor, of the program and of all that it started. Absent where nobody can tell. */
  processorSeconds?: number
}

export interface MeteredRun extends Cost {
  exitCode: number
  stdout: string
  stderr: string
}

/** Number of prctl(2) by machine. */
const systemCallNumbers: Partial<Record<NodeJS.Architecture, string>> = {
  ...{ x64: '157', arm64: '167', riscv64: '167', loong64: '167', ppc64: '171', s390x: '172' },
}

/**
 * Takes the children of a program that has ended (36 is PR_SET_CHILD_SUBREAPER), because the kernel counts the time of those that somebody
 * waits for. What still runs after a second, such as the monitor of a container, belongs to somebody else.
 */
const METER = `
use POSIX ":sys_wait_h"; use Time::HiRes qw(time sleep);
syscall(shift() + 0, 36, 1, 0, 0, 0) == 0 or die "prctl: $!";
my $began = time; my $pid = fork;
if ($pid == 0) { exec @ARGV or die "$ARGV[0]: $!" }
waitpid $pid, 0; my ($status, $seconds) = ($?, time - $began);
for (1 .. 50) { my $child = waitpid -1, WNOHANG; last if $child < 0; sleep 0.02 if $child == 0 }
my (undef, undef, $user, $system) = times;
printf STDERR "\\nmeter %f %f\\n", $seconds, $user + $system;
exit($status & 127 ? 255 : $status >> 8);`

const METERED = /\nmeter (\S+) (\S+)\n$/

/** Longer than any work of a bench of full size: one that hangs ends its case, and the others go on. */
const LONGEST_MS = 600_000

/** Runs a program to its end. */
export async function metered(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<MeteredRun> {
  const meter = ['-e', METER, systemCallNumbers[process.arch] ?? '', program, ...args]
  const child = spawn('perl', meter, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: LONGEST_MS })
  const ended = new Promise<number>((resolve, reject) =>
    child.on('close', (code) => resolve(code ?? -1)).on('error', reject),
  )
  const [stdout, said, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  const [seconds, processorSeconds] = (METERED.exec(said) ?? []).slice(1).map(Number)
  const stderr = said.replace(METERED, '')
  if (seconds === undefined || processorSeconds === undefined) throw new Error(`${program} has no end: ${stderr}`)
  return { exitCode, stdout, stderr, seconds, processorSeconds }
}

/** What a work of this process takes, with the programs that it starts and waits for. */
export async function timed(work: () => Promise<unknown>): Promise<Cost> {
  const [began, ticks] = [performance.now(), ticksOfSelf()]
  await work()
  const processorSeconds = (ticksOfSelf() - ticks) / TICKS_A_SECOND
  return { seconds: (performance.now() - began) / 1000, processorSeconds }
}

/** The kernel counts the time of a process in hundredths of a second. */
const TICKS_A_SECOND = 100

/** Fields 14 to 17 of proc_pid_stat(5), counted after the name, which may hold spaces. */
function ticksOfSelf(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0)
}
