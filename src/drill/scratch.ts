import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import type { ContainerFacts, ScratchMount } from '../engine/engine.ts'
import { asBackupError, BackupError } from '../errors.ts'
import { methodOf } from '../job/capture.ts'
import type { Parts } from '../job/job.ts'
import type { StepInPlace } from '../job/restore/plan.ts'
import { scratchLabels, scratchName } from '../labels/scratch.ts'
import { clearTree, copySmall, ensureRoot, roomFor } from '../lib/tree/in-child.ts'
import { engineDevices } from '../methods/shared/engine-devices.ts'
import { choosePlaces, explainPlaces, type Place } from './places.ts'

/** What stands for one container in a drill. */
export interface Scratch {
  /** Facts of the scratch container; where none is needed, its mounts alone under a name that no container has. */
  container: ContainerFacts
  /** Whether there is a container that can be started. */
  runs: boolean
  notTested: string[]
}

/** The network and the volume of one drill. */
export interface ScratchGround {
  run: string
  labels: Record<string, string>
  network: string
  /** The folder of the volume on the host, and for this process. */
  folder: { host: string; own: string }
}

/** Things of a drill that is still there after so long belong to nobody. */
const lifeMs = 3 * 86_400_000
const smallTree = { bytes: 64 * 1024 * 1024, entries: 20_000 }

/** Makes the network and the volume. The caller MUST have recorded the intent to remove them. */
export async function makeGround(parts: Parts, run: string, part: string, signal: AbortSignal): Promise<ScratchGround> {
  const { engine, catalog, clock } = parts
  const until = new Date(clock.now().getTime() + lifeMs).toISOString()
  const labels = scratchLabels({ run, state: catalog.state, until })
  const [network, volume] = [scratchName(run, `${part}-network`), scratchName(run, `${part}-data`)]
  await engine.createNetwork(network, labels, signal)
  const { path } = await engine.createVolume(volume, labels, signal)
  const own = parts.ownPath(path)
  if (own === undefined)
    throw new BackupError('PATH_UNREACHABLE', `${path}, a volume, is not visible to the controller`)
  return { run, labels, network, folder: { host: path, own } }
}

/**
 * Makes what stands for a container: places for its mounts, and a container of the recorded image where something is to run. `steps`: what
 * is restored into it.
 */
export async function makeScratch(
  parts: Parts,
  ground: ScratchGround,
  steps: StepInPlace[],
  part: string,
  signal: AbortSignal,
): Promise<Scratch> {
  const [first] = steps
  if (!first) throw new BackupError('INTERNAL', 'a drill without a target')
  const { container } = first.target
  const places = choosePlaces(
    container,
    steps.flatMap((step) => dataPathsOf(parts, step)),
  )
  await refuseFull(steps, ground, signal)
  const { mounts, empty } = await layOut(parts, ground, places, part, signal)
  const name = scratchName(ground.run, part)
  const runs = steps.some((step) => needsContainer(parts, step))
  const made = runs
    ? await parts.engine.createScratch(
        {
          ...{ name, like: container.id, imageId: first.snapshot.container.imageId, labels: ground.labels, mounts },
          ...{ network: ground.network, aliases: [container.service ?? container.name] },
          ...{ memoryBytes: Math.floor(totalmem() / 2), cpus: Math.max(1, availableParallelism() / 2) },
        },
        signal,
      )
    : withoutContainer(container, name, mounts)
  const isChecked = container.health !== 'none'
  return {
    container: made,
    runs,
    notTested: [
      ...explainPlaces(places, empty),
      ...(runs && isChecked ? ['the health check of the service, which may need what is not in the drill'] : []),
      ...(runs ? [] : ['the service was not started: it has neither verify.exec nor verify.http']),
    ],
  }
}

/** Files are proven where they lie. A server has to be asked, and so have the labels of the user. */
function needsContainer(parts: Parts, { target: { spec } }: StepInPlace): boolean {
  const isTree = spec.method === 'files' || spec.method === 'sqlite'
  return !isTree || methodOf(parts, spec).needsRunning || spec.verifyExec !== undefined || spec.verifyHttp !== undefined
}

/** The container paths whose content the restore brings. */
function dataPathsOf(parts: Parts, { target, snapshot }: StepInPlace): string[] {
  const { spec, container, paths } = target
  const { replaces, dataPaths } = methodOf(parts, spec)
  return [...paths, ...(replaces?.(snapshot) ?? []), ...(dataPaths?.(spec, container, snapshot.facts) ?? [])].filter(
    (path) => path !== '',
  )
}

/** A dump becomes larger when it is loaded. What a server needs beyond that it says itself. */
async function refuseFull(steps: StepInPlace[], { folder }: ScratchGround, signal: AbortSignal): Promise<void> {
  const needed = steps
    .flatMap(({ snapshot }) => snapshot.artifacts)
    .reduce((sum, one) => sum + (one.contentBytes ?? one.bytes), 0)
  const { fits, free } = await roomFor(folder.own, needed, signal)
  if (!fits)
    throw new BackupError('NO_SPACE', `a drill needs ${needed} bytes at ${folder.host}, which has ${free} free`)
}

async function layOut(parts: Parts, ground: ScratchGround, places: Place[], part: string, signal: AbortSignal) {
  const mounts: ScratchMount[] = []
  const empty = new Set<string>()
  for (const [index, { kind, mount }] of places.entries()) {
    const { destination, writable } = mount
    if (kind === 'memory') mounts.push({ kind: 'memory', destination })
    if (kind !== 'data' && kind !== 'copy') continue
    const name = `${part}-${index}`
    const isCopied = await fillPlace(parts, mount.source, join(ground.folder.own, name), kind, signal)
    if (!isCopied) empty.add(destination)
    mounts.push({ kind: 'bind', source: join(ground.folder.host, name), destination, writable })
  }
  return { mounts, empty }
}

/** What cannot be read is left empty, and told: the drill may need none of it. */
async function fillPlace(parts: Parts, source: string, to: string, kind: 'data' | 'copy', signal: AbortSignal) {
  const from = parts.ownPath(source)
  const scope = { signal, skipDevices: engineDevices }
  try {
    if (from !== undefined)
      return (await copySmall(from, to, { ...scope, ...(kind === 'copy' && { most: smallTree }) })) === 'copied'
  } catch (error) {
    signal.throwIfAborted()
    const { code, message } = asBackupError(error)
    if (code === 'NO_SPACE') throw error
    parts.log.debug({ path: source, why: message }, 'a mount is not copied for a drill')
  }
  await ensureRoot(to, 'directory', signal)
  await clearTree(to, '.', { ...scope, exclude: [], onWarning: () => {} })
  return false
}

/** A tree is put back and proven without any container. */
function withoutContainer(original: ContainerFacts, name: string, mounts: ScratchMount[]): ContainerFacts {
  const {
    project: _project,
    service: _service,
    number: _number,
    startedAt: _startedAt,
    unit: _unit,
    ...facts
  } = original
  return {
    ...{
      ...facts,
      id: name,
      name,
      labels: {},
      state: 'created',
      health: 'none',
      networks: [],
      requires: [],
      dependsOn: [],
    },
    mounts: mounts.flatMap((mount) => (mount.kind === 'bind' ? [{ ...mount }] : [])),
  }
}
