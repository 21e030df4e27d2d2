import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** No test lasts as long. */
const abandonedMs = 2 * 3_600_000

/**
 * Makes a folder, in memory where the machine has such a place: a kill loses nothing that is not synced, and a sync takes its time. What
 * a killed run of tests has left there under the same name is removed.
 */
export function makeMemoryFolder(name: string): string {
  const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const left = readdirSync(place).filter((entry) => entry.startsWith(`${name}-`))
  for (const path of left.map((entry) => join(place, entry))) {
    const changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY
    if (Date.now() - changed > abandonedMs) rmSync(path, { recursive: true, force: true })
  }
  return mkdtempSync(join(place, `${name}-`))
}
