import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { holdLivenessLock, takeDeadLock } from '../../lib/liveness-lock.ts'

/**
 * Who made what lies in a repository. An owner is a stage, or a process of ours that runs restic. It is written into tags of snapshots
 * and into the locks of restic, and its liveness lock lies in the folder of this control plane: what is of another one, perhaps on
 * another host, has an owner of whom nothing is known here.
 */
export interface Owner {
  /** Begins with the id of the control plane, so that no two ever have the same: `9f0c….1a2b…`. */
  readonly id: string
  /** Ends it. One that has left something behind is found by `takeDeadOwners`, as one is whose process died. */
  end(hasLeft: boolean): void
}

/** An owner that has ended, taken by this process alone. */
export interface DeadOwner {
  id: string
  /** Forgets it, when nothing of it is left; else it is found again. */
  end(hasLeft: boolean): void
}

/** Endings of files that stand for an owner: the lock of a live one, and what one that ended has left. A dead one may have either. */
const LOCK = '.lock'
const LEFT = '.left'

/** Owners of this process. Asking whether their liveness locks are held would release them (see liveness-lock.ts). */
const own = new Set<string>()

/** `id`: that of an owner in another repository, whose work is copied into this one. */
export function beginOwner(home: string, id = `${planeOf(home)}.${randomBytes(8).toString('hex')}`): Owner {
  const folder = folderOf(home)
  own.add(id)
  const lock = holdLivenessLock(join(folder, id + LOCK))
  return {
    id,
    end: (hasLeft) => {
      if (hasLeft) writeFileSync(join(folder, id + LEFT), '')
      lock[Symbol.dispose]()
      own.delete(id)
    },
  }
}

/** The MUST of every result: `end` is called once. */
export function takeDeadOwners(home: string): DeadOwner[] {
  const folder = folderOf(home)
  return readdirSync(folder).flatMap((name) => {
    const [id, ending] = [name.slice(0, -LOCK.length), name.slice(-LOCK.length)]
    if (![LOCK, LEFT].includes(ending) || own.has(id)) return []
    const lock = takeDeadLock(join(folder, name))
    if (!lock) return []
    const end = (hasLeft: boolean) => {
      if (hasLeft) writeFileSync(join(folder, id + (ending === LOCK ? LEFT : LOCK)), '')
      lock[Symbol.dispose]()
    }
    return [{ id, end }]
  })
}

/**
 * Whether it is an owner of this control plane that lives no more, and has left nothing that a sweep has still to remove. `copiedFrom`: the
 * home of the repository whose owners are copied into this one.
 */
export function hasEnded(home: string, owner: string, copiedFrom?: string): boolean {
  const planes = [home, ...(copiedFrom === undefined ? [] : [copiedFrom])].map(planeOf)
  const isOurs = planes.some((plane) => owner.startsWith(`${plane}.`))
  return isOurs && [LOCK, LEFT].every((ending) => !existsSync(join(folderOf(home), owner + ending)))
}

const WORK = 'work-'

/** A new folder for the work of an owner, who removes it. */
export const makeWork = ({ home }: { home: string }, owner: string): Promise<string> =>
  mkdtemp(join(home, `${WORK}${owner}-`))

/** Removes what is left of the work of an owner that has ended. */
export async function removeWork(home: string, owner: string): Promise<void> {
  const left = readdirSync(home).filter((name) => name.startsWith(`${WORK}${owner}-`))
  for (const name of left) await rm(join(home, name), { recursive: true, force: true })
}

function folderOf(home: string): string {
  const folder = join(home, 'owners')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

/** The id of this control plane, 16 hex digits: the first process makes it. A link shows no half written file. */
function planeOf(home: string): string {
  const path = join(home, 'plane')
  if (!existsSync(path)) {
    const made = join(home, `plane.${randomBytes(8).toString('hex')}`)
    writeFileSync(made, randomBytes(8).toString('hex'), { mode: 0o600 })
    try {
      linkSync(made, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      rmSync(made)
    }
  }
  return readFileSync(path, 'utf8')
}

const processes = new Map<string, Owner>()

/** The owner that this process is as a whole. It ends with the process: one that was killed leaves its file. */
export function processOwner(home: string): string {
  const known = processes.get(home)
  if (known) return known.id
  if (processes.size === 0) process.once('exit', endProcesses)
  const owner = beginOwner(home)
  processes.set(home, owner)
  return owner.id
}

function endProcesses(): void {
  for (const owner of processes.values()) owner.end(false)
}
