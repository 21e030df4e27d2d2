import { randomBytes } from 'node:crypto'
import { text } from 'node:stream/consumers'
import type { Exec } from 'dockerode'
import { BackupError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import { poll } from '../lib/deadline.ts'
import { type Connection, libpod } from './connection.ts'
import { demultiplex } from './demux.ts'
import { attachExec, createExec, inspectExec } from './exec-calls.ts'

const killSeconds = 30
/** SIGKILL follows SIGTERM after this many milliseconds. */
const termMs = 5_000

/** A command and the mark by which its processes are found in the container. */
export interface MarkedExec {
  connection: Connection
  containerId: string
  exec: Exec
  mark: Record<string, string>
  what: string
  clock: Clock
  user?: string
}

/** Makes a variable for the command's environment. The processes that the command starts inherit it. */
export function makeMark(): Record<string, string> {
  return { XNAI_BACKUP_EXEC: randomBytes(8).toString('hex') }
}

/**
 * Ends a command. No engine does so when its client goes away, and Podman 4.3 has no call for it. So a shell in the container, of the
 * same user, finds the processes by the mark and signals them. Where the image has no shell, libpod's own call is used.
 */
export async function endCommand(marked: MarkedExec): Promise<void> {
  const what = `end of ${marked.what}`
  const began = marked.clock.monotonicMs()
  let signalled = false
  const isEnded = async () => {
    const isRunning = (await inspectExec(marked.connection, marked.exec, what))?.Running === true
    const inGrace = marked.clock.monotonicMs() - began < termMs
    const found = await signalMarked(marked, inGrace ? 'TERM' : 'KILL').catch(() => undefined)
    // A service that was restarted meanwhile reports the session as running for ever, or as never started where it was killed before
    // it could note the start.
    if (isRunning ? found === 0 && signalled : !found) return true
    signalled ||= found !== undefined && found > 0
    if (found === undefined || !inGrace) await removeExec(marked)
    return false
  }
  const isEndedForSure = () =>
    isEnded().catch((error) => {
      // The command runs on while the engine's service restarts.
      if (error instanceof BackupError && error.code === 'ENGINE_UNREACHABLE') return false
      throw error
    })
  const { signal } = new AbortController()
  await poll(isEndedForSure, { what, seconds: killSeconds, everyMs: 100, clock: marked.clock, signal })
}

/** A script for `/bin/sh`: it sends the signal `$1` to every process that has the mark `$0`, and prints their ids and `end`. */
export const endScript = [
  'for f in $(grep -ls -- "$0" /proc/[0-9]*/environ); do',
  `f=\${f#/proc/}; f=\${f%/environ}; kill -s "$1" "$f" && echo "$f"; done; echo end`,
].join(' ')

/** Answers the number of processes that got the signal. Throws EXEC_FAILED where the image has no shell. */
async function signalMarked(marked: MarkedExec, name: 'TERM' | 'KILL'): Promise<number> {
  const { connection, containerId, mark, what, user } = marked
  const [entry = ''] = Object.entries(mark).map((pair) => pair.join('='))
  const options = { what: `end of ${what}`, signal: AbortSignal.timeout(termMs), seconds: termMs / 1000 }
  const request = { command: ['/bin/sh', '-c', endScript, entry, name], ...(user && { user }) }
  const exec = await createExec(connection, containerId, request, options)
  const socket = await attachExec(connection, exec, options)
  const giveUp = setTimeout(() => socket.destroy(), termMs)
  const output = await text(demultiplex(socket, () => undefined)).finally(() => clearTimeout(giveUp))
  const lines = output.trim().split('\n')
  if (lines.at(-1) !== 'end') throw new BackupError('EXEC_FAILED', `${options.what}: no shell in the image`)
  return lines.length - 1
}

/** Removes the session. Newer versions of Podman end the command's first process with it; other engines do nothing. */
async function removeExec({ connection, exec, what }: MarkedExec): Promise<void> {
  const request = { what: `end of ${what}`, signal: new AbortController().signal }
  await connection.request([404], request, 'POST', libpod(`/exec/${exec.id}/remove`), { Force: true })
}
