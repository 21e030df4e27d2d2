import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'

/** One run of the product, and the most memory it held. */
export interface MeasuredRun {
  exitCode: number | null
  stdout: string
  stderr: string
  seconds: number
  /** Peak resident memory of the process itself, in bytes. */
  peakBytes: number
  /** Peaks of the programs that it started, by name. */
  childPeaks: Map<string, number>
}

/** The kernel keeps the peak: it is read often only to have it shortly before the end. */
const sampleMs = 50

/** Runs a program as its user starts it: the options of its first line count. */
export async function runMeasured(program: string, args: string[], env: Record<string, string>): Promise<MeasuredRun> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const began = performance.now()
  let peakBytes = 0
  const childPeaks = new Map<string, number>()
  const sample = () => {
    peakBytes = Math.max(peakBytes, memoryOf(child.pid)?.peakBytes ?? 0)
    for (const pid of childrenOf(child.pid)) {
      const found = memoryOf(pid)
      if (found) childPeaks.set(found.name, Math.max(childPeaks.get(found.name) ?? 0, found.peakBytes))
    }
  }
  const timer = setInterval(sample, sampleMs)
  try {
    const ended = new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject))
    const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return { exitCode, stdout, stderr, seconds: (performance.now() - began) / 1000, peakBytes, childPeaks }
  } finally {
    clearInterval(timer)
  }
}

/** Undefined when it has ended. */
function memoryOf(pid: number | undefined): { name: string; peakBytes: number } | undefined {
  const status = read(`/proc/${pid}/status`)
  const kibibytes = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]
  return kibibytes === undefined
    ? undefined
    : { name: /^Name:\s+(.*)/m.exec(status)?.[1] ?? '', peakBytes: Number(kibibytes) * 1024 }
}

const childrenOf = (pid: number | undefined): number[] =>
  read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
