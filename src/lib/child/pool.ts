import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { ownFile } from '../own-files.ts'
import { keepTail } from '../tail.ts'

/** A process of this program that does calls for it. */
export interface Child {
  process: ChildProcess
  /** The last that it wrote to standard error. */
  stderr(): string
}

/** A child that has nothing to do ends after this time: it holds some 50 MiB. */
const IDLE_MS = 10_000
const STDERR_TAIL_BYTES = 4096

const idle = new Map<Child, NodeJS.Timeout>()

/** Answers a child that is free, or a new one. It keeps this process alive until it is given back or ended. */
export function takeChild(): Child {
  const [free] = idle.keys()
  if (!free) return startChild()
  clearTimeout(idle.get(free))
  idle.delete(free)
  hold(free, true)
  return free
}

/** Gives a child back that has done its call. */
export function giveBack(child: Child): void {
  hold(child, false)
  idle.set(child, setTimeout(() => endChild(child), IDLE_MS).unref())
}

/** Ends a child and the programs in its process group at once. This process does not wait for it any more. */
export function endChild(child: Child): void {
  clearTimeout(idle.get(child))
  idle.delete(child)
  hold(child, false)
  try {
    const { pid, exitCode, signalCode } = child.process
    // The number of a group that has ended may belong to another one by now.
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL')
  } catch {
    // It ends just now.
  }
}

/**
 * The kernel ends the child when this process dies, however that dies: nobody else may work on the tree before. It leads a process group
 * of its own, so that the terminal's interrupt reaches this process alone, which then ends the work in order.
 */
function startChild(): Child {
  const node = [process.execPath, '--max-semi-space-size=2', '--disable-warning=ExperimentalWarning']
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...node, ownFile('lib/child/main.ts')], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    detached: true,
  })
  const { add, text } = keepTail(STDERR_TAIL_BYTES)
  child.stderr?.on('data', add).on('error', () => {})
  const started = { process: child, stderr: text }
  child.once('exit', () => endChild(started)).on('error', () => {}) // Whoever waits for an answer hears of both too.
  return started
}

/** Whether this process stays alive for the sake of the child. */
function hold({ process: child }: Child, isHeld: boolean): void {
  const what = isHeld ? 'ref' : 'unref'
  child[what]()
  child.channel?.[what]()
  ;(child.stderr as Socket | null)?.[what]()
}
