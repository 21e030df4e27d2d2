import { mkdirSync } from 'node:fs'
import { type Clock, systemClock } from '../../lib/clock.ts'
import type { Repository } from '../repository.ts'
import type { ResticAddress } from './address.ts'
import { inRestic } from './explain.ts'
import { type IdentityMemory, makeRepository, readIdentity, requireDirectory } from './identity.ts'
import { alone } from './mutex.ts'
import { processOwner } from './owners.ts'
import { makePassword, noPassword, readPassword } from './password.ts'
import { findRestic, type Restic } from './program.ts'

export interface AccessOptions {
  /** Absent: one is made when the repository is, and kept in `home`. */
  password?: string
  /** Folder of this control plane: see `Restic.home`. It is made. */
  home: string
  /** The program, by its name or its path. Default: restic. */
  program?: string
  /** The repository whose snapshots are copied into this one. */
  copiesFrom?: Repository
  /** Default: the clock of the system. */
  clock?: Pick<Clock, 'now'>
}

/** How this process reaches a repository, which may not be there yet. */
export interface Access {
  /** Finds the program, the directory and the password. Throws where one of them cannot be used. */
  begin(signal: AbortSignal): Promise<Restic>
  /** The same for one piece of work, whose failures are explained. */
  using<T>(signal: AbortSignal, work: (restic: Restic) => Promise<T>): Promise<T>
  /** The id of the repository; undefined where there is none. */
  identify(restic: Restic, signal: AbortSignal): Promise<string | undefined>
  /** Makes the repository, and its password, where there is none. Answers its id. */
  ensure(restic: Restic, signal: AbortSignal): Promise<string>
  /** Does work that keeps all others out of the repository one after the other. */
  exclusive<T>(work: () => Promise<T>): Promise<T>
}

export function openAccess(address: ResticAddress, options: AccessOptions): Access {
  const { clock = systemClock, home, program = 'restic' } = options
  const memory: IdentityMemory = {}
  const exclusive = alone()
  const nobodys = noPassword()
  let found: Omit<Restic, 'password'> | undefined
  const begin = async (signal: AbortSignal): Promise<Restic> => {
    if (address.directory !== undefined) await requireDirectory(address.directory)
    mkdirSync(home, { recursive: true, mode: 0o700 })
    found ??= { address, home, program: await findRestic(program, signal), host: processOwner(home) }
    return {
      ...found,
      // It is read for each call of restic, because another run may make the repository and its password meanwhile.
      get password() {
        return options.password ?? readPassword(home) ?? nobodys
      },
    }
  }
  const identify = async (restic: Restic, signal: AbortSignal) => {
    const { password } = restic
    try {
      return await readIdentity(restic, memory, clock.now(), signal)
    } catch (error) {
      if (restic.password === password) throw error
      return await readIdentity(restic, memory, clock.now(), signal)
    }
  }
  const ensure = async (restic: Restic, signal: AbortSignal): Promise<string> => {
    const id = await identify(restic, signal)
    if (id !== undefined) return id
    await exclusive(async () => {
      if ((await identify(restic, signal)) !== undefined) return
      const password = options.password ?? (await makePassword(home))
      await makeRepository({ ...restic, password }, signal, await sourceOf(options.copiesFrom, signal))
    })
    return await ensure(await begin(signal), signal)
  }
  const using = <T>(signal: AbortSignal, work: (restic: Restic) => Promise<T>): Promise<T> =>
    inRestic(address.url, async () => work(await begin(signal)))
  return { begin, using, identify, ensure, exclusive }
}

/** How to reach the repository of restic that is copied from; undefined where there is none yet, or it is away. */
export async function sourceOf(copiesFrom: Repository | undefined, signal: AbortSignal): Promise<Restic | undefined> {
  const { copySource } = copiesFrom ?? {}
  if (!copiesFrom || copySource?.kind !== 'restic') return undefined
  try {
    return (await copiesFrom.identity(signal)) === undefined ? undefined : ((await copySource.open(signal)) as Restic)
  } catch (error) {
    if (signal.aborted) throw error
    return undefined
  }
}
