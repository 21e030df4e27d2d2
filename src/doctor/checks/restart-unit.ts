import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Podman has no daemon that starts containers with the machine. This unit of systemd does. */
export const restartUnit = 'podman-restart.service'

/** systemd looks for a unit of root in these folders, and takes the first file. */
const folders = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'].map((root) => `${root}/systemd/system`)

/**
 * The restart policies with which the unit starts a container: `always` alone before Podman 5.8, unless its owner has changed it.
 * Undefined where its file is not seen. `ownPath` answers where this process sees a path of the host.
 */
export function policiesAtBoot(ownPath: (path: string) => string | undefined): string[] | undefined {
  const seen = folders.map(ownPath).filter((folder) => folder !== undefined)
  const unit = seen.map((folder) => join(folder, restartUnit)).find((path) => existsSync(path))
  if (unit === undefined) return undefined
  const dropIns = seen.flatMap((folder) => globSync(join(folder, `${restartUnit}.d/*.conf`)))
  const text = [unit, ...dropIns].map((path) => readFileSync(path, 'utf8')).join('\n')
  return /unless-stopped|should-start-on-boot/.test(text) ? ['always', 'unless-stopped'] : ['always']
}
