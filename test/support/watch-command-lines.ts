import { readdirSync, readFileSync } from 'node:fs'

/** Adds the command lines of all processes that begin from now on, as far as they can be caught, until it is disposed. */
export function watchCommandLines(seen: Set<string>): Disposable {
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
