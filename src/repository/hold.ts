import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupError } from '../errors.ts'
import { holdLivenessLock, isLivenessLockHeld, takeDeadLock } from '../lib/liveness-lock.ts'
import type { ControlPlane } from './repository.ts'

/** The names of the files of this process. Asking whether their liveness locks are held would release them (see liveness-lock.ts). */
const own = new Set<string>()

const everyProject = 'all'

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** Name of a scope in the name of a file. */
const scopeOf = ({ project }: ControlPlane): string => (project === undefined ? everyProject : digestOf(project))

/**
 * See `Repository.hold`. `folder` is that of the locks of control planes, in a directory that all of them reach; each process has a file of
 * its own in it: `<state>.<scope>.<random>.<host>.lock`; older versions name no host in it. A process shows its own lock before it looks
 * for others, so that of two at once no two succeed. `url` is that of the repository.
 */
export async function holdByFolder(url: string, folder: string, plane: ControlPlane): Promise<Disposable> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    // Nothing can be stored there, and what is restored from there is read only.
    if ((error as NodeJS.ErrnoException).code === 'EROFS') return new DisposableStack()
    throw error
  }
  const name = [plane.state, scopeOf(plane), randomBytes(8).toString('hex'), digestOf(plane.host), 'lock'].join('.')
  own.add(name)
  const lock = holdLivenessLock(join(folder, name))
  const release = () => {
    lock[Symbol.dispose]()
    own.delete(name)
  }
  try {
    await refuseOthers(url, folder, plane)
    return { [Symbol.dispose]: release }
  } catch (error) {
    release()
    throw error
  }
}

async function refuseOthers(url: string, folder: string, plane: ControlPlane): Promise<void> {
  for (const name of await readdir(folder)) {
    const [state, scope, , host] = name.split('.')
    // On some shared file systems the locks of another host look as if nobody held them: it removes them itself.
    if (host !== 'lock' && host !== digestOf(plane.host)) continue
    const isRival =
      state !== plane.state && (scope === scopeOf(plane) || [scope, scopeOf(plane)].includes(everyProject))
    if (isAlive(folder, name) && isRival) {
      throw new BackupError('BUSY', `${url} is in use by another control plane, which has another state directory`, {
        hint: 'Give the command to the controller: podman exec xnai-backup xnai-backup … (docker exec, where Docker runs it). Or let both share one state directory (XNAI_BACKUP_STATE). Where it runs on another machine of the same name, give one of them another name (XNAI_BACKUP_HOST).',
      })
    }
  }
}

/** Removes the file of a process that has died. */
function isAlive(folder: string, name: string): boolean {
  if (own.has(name)) return true
  const path = join(folder, name)
  const dead = takeDeadLock(path)
  dead?.[Symbol.dispose]()
  return !dead && isLivenessLockHeld(path)
}
