import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** How many builds are kept. A process that runs an older one than now may still load more of it, or start a child from it. */
const KEPT = 3
/** So old is no build that is still under way. In milliseconds. */
const ABANDONED_MS = 3_600_000

/** A digest of the names and the content of all files. */
export async function hashOf(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of (await readdir(folder)).toSorted()) {
    const content = await readFile(join(folder, name))
    hash.update(`${name} ${content.length}\n`).update(content)
  }
  return hash.digest('hex').slice(0, 12)
}

/** Removes builds but the newest ones, and what builds have left that were killed. */
export async function removeOld(dist: string): Promise<void> {
  const names = (await readdir(dist)).filter((name) => name !== 'current')
  const times = await Promise.all(names.map((name) => timeOf(join(dist, name))))
  const found = names.map((name, index) => ({ name, time: times[index] as number })).toSorted((a, b) => b.time - a.time)
  const isOld = ({ time }: { time: number }) => performance.timeOrigin - time > ABANDONED_MS
  for (const { name } of found.slice(KEPT).filter(isOld)) await rm(join(dist, name), { recursive: true, force: true })
}

/** When its build began, in milliseconds since 1970. One that is removed just now is as old as can be. */
async function timeOf(path: string): Promise<number> {
  const { mtimeMs } = await stat(join(path, 'built'))
    .catch(() => stat(path))
    .catch(() => ({ mtimeMs: 0 }))
  return mtimeMs
}
