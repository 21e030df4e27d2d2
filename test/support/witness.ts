import { readdirSync, readFileSync } from 'node:fs'

/** What must stay secret in a lab, and what was seen there of the product: `expectNone` looks for the one in the other. */
export interface Witness {
  readonly secrets: Set<string>
  /** All that the product printed, logged, threw or answered. */
  readonly said: string[]
  readonly commandLines: Set<string>
  /** Takes the secrets among the variables of a service. */
  learn(environment?: Record<string, string>): void
  /** Sees the command lines of all processes that begin from now on, as far as they can be caught, until it is disposed. */
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

function watchCommandLines(seen: Set<string>): Disposable {
  const before = new Set(pids())
  const timer = setInterval(() => {
    for (const pid of pids()) if (!before.has(pid)) note(seen, pid)
  }, 20)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

const pids = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name))

function note(seen: Set<string>, pid: string): void {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
    if (line !== '') seen.add(line)
  } catch {
    // It has ended meanwhile.
  }
}
