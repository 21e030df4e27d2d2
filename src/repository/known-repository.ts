import { BackupError } from '../errors.ts'
import type { Repository, Tier } from './repository.ts'

/** Where a repository is expected: its tier and its url. */
export interface RepositoryAddress {
  tier: Tier
  url: string
}

/** Remembers which repository lies at an address. The catalog does. */
export interface RepositoryIdentities {
  /** The id of the repository that was seen there; undefined where none was seen yet. */
  read(address: RepositoryAddress): string | undefined
  /** Remembers the id in place of another one. */
  remember(address: RepositoryAddress, id: string): void
}

/** The id that is expected at an address, and the id of what is there. */
export interface Standing {
  expected: string | undefined
  found: string | undefined
}

/** A repository that is used only while it is the one that was seen at its address before. */
export interface KnownRepository extends Repository {
  /** Compares without refusing. */
  standing(signal: AbortSignal): Promise<Standing>
  /** Takes what is there as the repository of this address from now on, and gives it an id where it has none. Answers the id. */
  accept(signal: AbortSignal): Promise<string>
}

/**
 * Guards a repository against being replaced without a word: where a disk is not mounted, an empty folder lies in its place. Every call
 * that reads or writes snapshots first asks for the identity of what is there. It throws REPOSITORY_EMPTY or REPOSITORY_FOREIGN, and
 * writes nothing, where that is not the remembered one. At an address that was never seen, a repository with an id is taken as it is,
 * and one without an id, empty or not, gets one before the first write.
 */
export function knownRepository(
  inner: Repository,
  address: RepositoryAddress,
  identities: RepositoryIdentities,
): KnownRepository {
  const standing = async (signal: AbortSignal) => ({
    expected: identities.read(address),
    found: await inner.identity(signal),
  })
  const identity = async (signal: AbortSignal) => {
    const { expected, found } = await standing(signal)
    refuseStranger(inner.url, { expected, found })
    if (expected === undefined && found !== undefined) identities.remember(address, found)
    return found
  }
  const accept = async (signal: AbortSignal) => {
    const id = await inner.initialise(signal)
    identities.remember(address, id)
    return id
  }
  const initialise = async (signal: AbortSignal) => (await identity(signal)) ?? (await accept(signal))
  const { prepare, hold, key, load, appendOnly, copySource, listAll } = inner
  return {
    url: inner.url,
    ...(appendOnly && { appendOnly }),
    ...(copySource && { copySource }),
    ...(load && { load }),
    standing,
    accept,
    identity,
    initialise,
    ...(key && { key: (signal) => after(identity(signal), () => key(signal)) }),
    ...(hold && { hold: (plane, signal) => after(identity(signal), () => hold(plane, signal)) }),
    ...(prepare && {
      prepare: async (target, trees, how) => {
        await initialise(how.signal)
        return await prepare(target, trees, how)
      },
    }),
    stage: async (target, artifacts, how) => {
      await initialise(how.signal)
      return await inner.stage(target, artifacts, how)
    },
    list: (signal, onDamage) => after(identity(signal), () => inner.list(signal, onDamage)),
    ...(listAll && { listAll: (signal) => after(identity(signal), () => listAll(signal)) }),
    open: (snapshot, name, signal) => after(identity(signal), () => inner.open(snapshot, name, signal)),
    listTree: async function* (snapshot, name, signal) {
      await identity(signal)
      yield* inner.listTree(snapshot, name, signal)
    },
    extract: (snapshot, name, to, how) => after(identity(how.signal), () => inner.extract(snapshot, name, to, how)),
    proveTree: (snapshot, name, root, how) =>
      after(identity(how.signal), () => inner.proveTree(snapshot, name, root, how)),
    verify: (snapshot, signal) => after(identity(signal), () => inner.verify(snapshot, signal)),
    check: async function* (how) {
      await identity(how.signal)
      yield* inner.check(how)
    },
    copyFrom: async (other, snapshots, how) => {
      await initialise(how.signal)
      await inner.copyFrom(other, snapshots, how)
    },
    tamper: (signal) => after(identity(signal), () => inner.tamper(signal)),
    remove: (ids, signal) => after(identity(signal), () => inner.remove(ids, signal)),
    sweep: (signal) => after(identity(signal), () => inner.sweep(signal)),
    freeBytes: () => inner.freeBytes(),
  }
}

async function after<T>(first: Promise<unknown>, work: () => Promise<T>): Promise<T> {
  await first
  return await work()
}

/** True for the errors of a repository that is not the expected one. */
export const isStranger = (error: unknown): boolean =>
  error instanceof BackupError && (error.code === 'REPOSITORY_EMPTY' || error.code === 'REPOSITORY_FOREIGN')

function refuseStranger(url: string, { expected, found }: Standing): void {
  if (expected === undefined || expected === found) return
  if (found === undefined) {
    throw new BackupError(
      'REPOSITORY_EMPTY',
      `${url} holds no repository, and repository ${expected} is expected there`,
    )
  }
  throw new BackupError('REPOSITORY_FOREIGN', `${url} holds repository ${found}, and ${expected} is expected there`)
}
