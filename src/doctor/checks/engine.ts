import { statSync } from 'node:fs'
import { bad, type Check, type Diagnosis, failed, good } from '../check.ts'

/** The oldest versions that the tests run on. */
const oldest = { podman: [4, 3], docker: [20, 10] } as const

/** Whether the engine answers at its socket, and is new enough. */
export const checkEngine: Check = async ({ parts, engine, stack, signal }) => {
  try {
    const { name, version } = await parts.engine.info(signal)
    const here = `${name} ${version} at ${engine}`
    if (isOlder(version, oldest[name])) {
      const needed = oldest[name].join('.')
      return [bad('engine', `${here} is too old`, `Update ${name}: ${needed} is the oldest version that was tested.`)]
    }
    return stack instanceof Error ? [failed('engine', stack)] : [good('engine', here)]
  } catch (error) {
    signal.throwIfAborted()
    return [explainSocket(engine) ?? failed('engine', error)]
  }
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [first = 0, second = 0] = version.split('.').map(Number)
  return first < major || (first === major && second < minor)
}

/** Why nobody answers at a socket, as far as its file tells. */
function explainSocket(engine: string): Diagnosis | undefined {
  const [, path] = /^unix:\/\/(.+)$/.exec(engine) ?? []
  if (path === undefined) return undefined
  try {
    if (statSync(path).isSocket()) return bad('engine', `nobody answers at ${path}`, fixes.dead)
    return bad('engine', `${path} is no socket`, fixes.none)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES') return bad('engine', `this user may not reach ${path}`, fixes.denied)
    return bad('engine', `there is no socket ${path}`, fixes.none)
  }
}

const fixes = {
  none: 'Start the socket on the host (systemctl enable --now podman.socket, with --user for a rootless stack), bind its folder into the controller as compose.backup.yaml does, or name another address by CONTAINER_HOST.',
  dead: 'Start the service on the host: systemctl restart podman.socket. If the socket file itself is bound into the controller, bind its folder instead: a bound file is dead once the service has restarted.',
  denied:
    'Run the program as the user whom the engine belongs to: as root, or for a rootless stack as that user with CONTAINER_HOST unset.',
}
