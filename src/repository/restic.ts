import { join } from 'node:path'
import { Readable } from 'node:stream'
import { BackupError } from '../errors.ts'
import { inChild } from '../lib/child/in-child.ts'
import { freeBytes } from '../lib/free-space.ts'
import { ownFile } from '../lib/own-files.ts'
import { holdByFolder } from './hold.ts'
import { type ManifestCache, noManifestCache } from './manifest-cache.ts'
import type { Repository, RepositoryKey, Snapshot } from './repository.ts'
import { type Access, type AccessOptions, openAccess, sourceOf } from './restic/access.ts'
import { parseAddress, type ResticAddress } from './restic/address.ts'
import { checkRepository, verifySnapshot } from './restic/check.ts'
import { copyIntoRestic } from './restic/copy.ts'
import { listEntries } from './restic/entries-file.ts'
import { inRestic } from './restic/explain.ts'
import { listManifests } from './restic/list.ts'
import { asStored, type StoredArtifact } from './restic/manifest.ts'
import { keyCode } from './restic/password.ts'
import { PATIENCE } from './restic/patience.ts'
import { prepareTrees } from './restic/prepare.ts'
import type { Restic } from './restic/program.ts'
import { readStream } from './restic/read-stream.ts'
import { removeSnapshots, sweepDead } from './restic/remove.ts'
import { parentOf, stage } from './restic/stage.ts'
import { tamperWithRestic } from './restic/tamper.ts'

export interface ResticOptions extends AccessOptions {
  /** Whether nothing can be deleted there. Default: false. */
  appendOnly?: boolean
  /** Makes `list` fast. Default: every listing reads every manifest. */
  manifests?: ManifestCache
  /** Trees below this size are not prepared: a process of restic would cost more than it saves. In bytes. Default 32 MiB. */
  prepareBytes?: number
}

/** The folder of the locks of control planes, which restic passes over. Where a repository lies elsewhere there is no place for them. */
const LOCKS = '.xnai-backup-locks'

const extractTree = inChild<typeof import('./restic/extract-tree.ts').extractTree>(
  ownFile('repository/restic/extract-tree.ts'),
  'extractTree',
  PATIENCE,
)
const proveTree = inChild<typeof import('./restic/prove-tree.ts').proveTree>(
  ownFile('repository/restic/prove-tree.ts'),
  'proveTree',
  PATIENCE,
)

/**
 * A repository of restic: deduplicated, encrypted, and readable by any stock restic. Each artifact is a snapshot of restic, and so is
 * the manifest, which is written last. `text` is the address as restic takes it.
 */
export function openRestic(text: string, options: ResticOptions): Repository {
  const { manifests = noManifestCache, prepareBytes: leastBytes = 32 * 1024 * 1024 } = options
  const address = parseAddress(text)
  const { url, directory } = address
  const access = openAccess(address, options)
  const { begin, using, identify, ensure, exclusive } = access
  const repository: Repository = {
    url,
    ...(options.appendOnly && { appendOnly: true }),
    copySource: { kind: 'restic', open: begin },
    identity: (signal) => using(signal, (restic) => identify(restic, signal)),
    initialise: (signal) => using(signal, (restic) => ensure(restic, signal)),
    key: (signal) => using(signal, async (restic) => keyOf(restic, await identify(restic, signal))),
    ...holding(address),
    prepare: (target, trees, how) =>
      using(how.signal, async (restic) => {
        await ensure(restic, how.signal)
        const newest = (name: string) => parentOf(restic, manifests, target, name)
        return await prepareTrees(await begin(how.signal), target, trees, { leastBytes, parentOf: newest, ...how })
      }),
    stage: (target, artifacts, how) =>
      using(how.signal, async (restic) => {
        await ensure(restic, how.signal)
        return await stage(await begin(how.signal), manifests, target, artifacts, how)
      }),
    list: (signal, onDamage = () => {}) =>
      using(signal, async (restic) => {
        if ((await identify(restic, signal)) === undefined) return []
        const { snapshots, damages } = await listManifests(restic, manifests, signal)
        for (const damage of damages) onDamage(damage)
        return snapshots
      }),
    open: (snapshot, name, signal) =>
      using(signal, async (restic) =>
        Readable.from(readStream(restic, artifactOf(snapshot, name), signal), { objectMode: false, signal }),
      ),
    listTree: async function* (snapshot, name, signal) {
      yield* listEntries(await begin(signal), artifactOf(snapshot, name), signal)
    },
    extract: (snapshot, name, to, how) =>
      using(how.signal, (restic) => extractTree(to, artifactOf(snapshot, name), restic, how)),
    proveTree: (snapshot, name, root, how) =>
      using(how.signal, (restic) => proveTree(root, artifactOf(snapshot, name), restic, how)),
    verify: (snapshot, signal) => using(signal, (restic) => verifySnapshot(restic, snapshot, signal)),
    check: async function* (how) {
      const restic = await begin(how.signal)
      if ((await identify(restic, how.signal)) === undefined) return
      yield* await exclusive(() => Array.fromAsync(checkRepository(restic, manifests, how)))
    },
    ...removalOf(access, options),
    copyFrom: (other, snapshots, how) =>
      using(how.signal, async (restic) => {
        await ensure(restic, how.signal)
        await copyIntoRestic({ restic: await begin(how.signal), repository }, other, snapshots, how)
      }),
    tamper: (signal) => using(signal, (restic) => tamperWithRestic(restic, signal)),
    freeBytes: async () => (directory === undefined ? undefined : freeBytes(directory)),
  }
  return repository
}

function removalOf(
  { using, identify, exclusive }: Access,
  { copiesFrom, appendOnly = false }: ResticOptions,
): Pick<Repository, 'remove' | 'sweep'> {
  return {
    remove: (ids, signal) =>
      using(signal, async (restic) => {
        if ((await identify(restic, signal)) === undefined) return
        const source = await sourceOf(copiesFrom, signal)
        await exclusive(() => removeSnapshots(restic, ids, signal, source))
      }),
    sweep: (signal) =>
      using(signal, async (restic) => {
        const isThere = async () => (await identify(restic, signal)) !== undefined
        const sweep = { isThere, appendOnly, copiesFrom: await sourceOf(copiesFrom, signal) }
        return await exclusive(() => sweepDead(restic, sweep, signal))
      }),
  }
}

const holding = ({ url, directory }: ResticAddress): Pick<Repository, 'hold'> =>
  directory === undefined
    ? {}
    : { hold: (plane) => inRestic(url, () => holdByFolder(url, join(directory, LOCKS), plane)) }

const keyOf = ({ address, password }: Restic, id: string | undefined): RepositoryKey | undefined =>
  id === undefined ? undefined : { address: address.repository, password, code: keyCode(id, password) }

function artifactOf(snapshot: Snapshot, name: string): StoredArtifact {
  const record = snapshot.artifacts.find((artifact) => artifact.name === name)
  if (record) return asStored(record)
  throw new BackupError('NO_SUCH_SNAPSHOT', `snapshot ${snapshot.id} has no artifact ${name}`)
}
