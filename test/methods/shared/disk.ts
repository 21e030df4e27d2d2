import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from '../../../lab/lab.ts'

/** A small file system on the host. */
export interface Disk {
  /** The folder for the service's data. */
  data: string
  /** Takes all free space but `left` megabytes. */
  fill(left: number): void
  /** Gives it back. */
  free(): void
}

/** Mounts a file system of `megabytes`, which goes with the lab. */
export function makeDisk(lab: Lab, name: string, megabytes: number): Disk {
  const root = join(lab.dir, 'files', `disk-${name}`)
  const data = join(root, 'data')
  const ballast = join(root, 'ballast')
  mkdirSync(root, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', root])
  mkdirSync(data)
  return {
    data,
    fill: (left) => {
      execFileSync('sh', ['-c', 'cat /dev/zero >"$0" 2>/dev/null || true', ballast])
      if (left > 0) execFileSync('truncate', ['--size', `-${left}M`, ballast])
    },
    free: () => rmSync(ballast),
  }
}
