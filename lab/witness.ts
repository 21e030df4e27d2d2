import { readFileSync } from 'node:fs'

/**
 * What must stay secret in a lab, and what was seen there of the product: `expectNone` looks for the one in the other.
 */
export interface Witness {
  readonly secrets: Set<string>
  /** All that the product printed, logged, threw or answered. */
  readonly said: string[]
  readonly commandLines: Set<string>
  /** Takes the secrets among the variables of a service. */
  learn(environment?: Record<string, string>): void
  /**
   * Sees the command lines of all processes that begin from now on, as far as they can be caught, until it is disposed.
   */
  watch(): Disposable
}

/** Variables that hold a secret, by their names; a shorter value may stand anywhere by chance. */
const secretName = /PASSWORD|SECRET|TOKEN|KEY/i
const leastLength = 12

export function newWitness(): Witness {
  const secrets = new Set<string>()
  const commandLines = new Set<string>()
  return {
    secrets,
    said: [],
    commandLines,
    learn: (environment = {}) => {
      for (const [name, value] of Object.entries(environment))
        if (secretName.test(name) && value.length >= leastLength) secrets.add(value)
    },
    watch: () => watchCommandLines(commandLines),
  }
}

const watchMs = 20
/** A new process soon shows its final command line. After this many looks it is read once in `rareLooks` only. */
const youngLooks = 15
const rareLooks = 25

/**
 * The cost grows with the number of new processes and not with that of all: a machine may have thousands of others.
 * Most processes of a lab are servers that live on, and reading all of them every time took a third of a core.
 */
function watchCommandLines(seen: Set<string>): Disposable {
  const looks = new Map<number, number>()
  let newest = newestPid()
  const look = () => {
    for (const last = newestPid(); newest !== last; ) {
      // Numbers begin anew at the largest one.
      newest = newest > last ? 1 : newest + 1
      if (isProcess(newest)) looks.set(newest, 0)
    }
    for (const [pid, count] of looks) {
      looks.set(pid, count + 1)
      if (count > youngLooks && count % rareLooks !== 0) continue
      const line = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')
      if (line === '') looks.delete(pid)
      else seen.add(line)
    }
  }
  const timer = setInterval(look, watchMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

const newestPid = () => Number(read('/proc/loadavg').trim().split(' ').at(-1))

/** Threads have numbers too. */
const isProcess = (pid: number) => read(`/proc/${pid}/status`).includes(`\nTgid:\t${pid}\n`)

/** Empty where the process has ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
