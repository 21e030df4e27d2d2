import { mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContainerFacts, Engine, Mount, ScratchMount, ScratchThing } from '../../src/engine/engine.ts'
import { BackupError } from '../../src/errors.ts'
import { readScratchOwner, scratchLabel } from '../../src/labels/scratch.ts'
import type { FakeContainer } from './engine.ts'
import { existing } from './engine-acts.ts'
import type { World, WorldStore } from './engine-world.ts'

type ScratchActs = Pick<Engine, 'createScratch' | 'createVolume' | 'createNetwork' | 'listScratch' | 'removeScratch'>

export interface ScratchOptions {
  /** The folder of the volumes that drills make. Default: one that all fakes share. */
  volumes?: string
  /** Ids of images that are not there any more. */
  missingImages?: string[]
}

const failed = (text: string) => new BackupError('ENGINE_FAILED', text)

/** What an engine makes for drills. Volumes are real folders. */
export function scratchActs(
  store: WorldStore,
  { volumes = join(tmpdir(), 'xnai-fake-volumes'), missingImages = [] }: ScratchOptions,
  add: (container: FakeContainer) => ContainerFacts,
): ScratchActs {
  const make = (thing: ScratchThing, signal: AbortSignal) =>
    store.update((world) => {
      signal.throwIfAborted()
      if (things(world).some((one) => isSame(one, thing))) throw failed(`${thing.kind} ${thing.name} exists already`)
      world.scratch.push(thing)
      world.journal.push(`create ${thing.kind} ${thing.name}`)
    })
  return {
    createVolume: async (name, labels, signal) => {
      make({ kind: 'volume', name, labels }, signal)
      const path = join(volumes, name)
      mkdirSync(path, { recursive: true })
      return { path }
    },
    createNetwork: async (name, labels, signal) => make({ kind: 'network', name, labels }, signal),
    createScratch: async (request, signal) => {
      const { name, labels, imageId, network, mounts } = request
      const world = store.read()
      const { environment, user, image, stopTimeoutSeconds, idMap } = existing(world, request.like, signal)
      if (missingImages.includes(imageId)) throw new BackupError('IMAGE_GONE', `no such image: ${imageId}`)
      if (world.containers.some((one) => one.name === name)) throw failed(`container ${name} exists already`)
      if (!world.scratch.some((one) => one.kind === 'network' && one.name === network)) throw failed(`no ${network}`)
      store.update(({ journal }) => void journal.push(`create container ${name}`))
      return add({
        ...{ name, labels, imageId, image, environment, user, state: 'created' },
        ...(stopTimeoutSeconds !== undefined && { stopTimeoutSeconds }),
        ...(idMap && { idMap }),
        mounts: mounts.map(toMount),
        networks: [{ name: network, address: '127.0.0.1' }],
      })
    },
    listScratch: async (signal) => {
      signal.throwIfAborted()
      return things(store.read()).filter(({ labels }) => labels[scratchLabel] !== undefined)
    },
    removeScratch: async (wanted, signal) => {
      signal.throwIfAborted()
      store.update((world) => removeThing(world, wanted))
      if (wanted.kind === 'volume') rmSync(join(volumes, wanted.name), { recursive: true, force: true })
    },
  }
}

function removeThing(world: World, wanted: Pick<ScratchThing, 'kind' | 'name'>): void {
  const thing = things(world).find((one) => isSame(one, wanted))
  if (!thing) return
  if (!readScratchOwner(thing)) throw new BackupError('INTERNAL', `${wanted.name} was not made by a drill`)
  const onIt = world.containers.filter(({ networks }) => networks.some(({ name }) => name === wanted.name))
  if (wanted.kind === 'network' && onIt.length > 0) throw failed(`network ${wanted.name} is in use`)
  world.journal.push(`remove ${wanted.kind} ${wanted.name}`)
  if (wanted.kind === 'container') world.containers = world.containers.filter(({ name }) => name !== wanted.name)
  else world.scratch = world.scratch.filter((one) => !isSame(one, wanted))
}

const things = ({ containers, scratch, networks }: World): ScratchThing[] => [
  ...containers.map(({ name, labels }): ScratchThing => ({ kind: 'container', name, labels })),
  ...networks.map((name): ScratchThing => ({ kind: 'network', name, labels: {} })),
  ...scratch,
]

const isSame = (one: Pick<ScratchThing, 'kind' | 'name'>, other: Pick<ScratchThing, 'kind' | 'name'>): boolean =>
  one.kind === other.kind && one.name === other.name

const toMount = (mount: ScratchMount): Mount =>
  mount.kind === 'memory' ? { kind: 'other', source: '', destination: mount.destination, writable: true } : { ...mount }
