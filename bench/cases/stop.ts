import type { Case, Pair } from '../case.ts'
import { changeOnePercent } from '../data.ts'
import { type Cost, timed } from '../meter.ts'
import type { Kind, World } from '../world.ts'
import { packScript } from './archive.ts'

export const stopCases: Case[] = [
  { name: 'stop-archive', against: 'podman stop, start', atMost: 1, plusSeconds: 1, prepare: stopBeside('archive') },
  { name: 'stop-restic', against: 'podman stop, start', atMost: 1, plusSeconds: 1, prepare: stopBeside('restic') },
  { name: 'stop-tar', against: 'stop, tar | zstd, start', atMost: 0.15, prepare: stopBesideTar },
]

function stopBeside(kind: Kind): Case['prepare'] {
  return async (world) => {
    const restart = async () => timed(() => stopAndStart(world, async () => {}))
    return { ...(await backedUp(world, kind)), peer: restart }
  }
}

async function stopBesideTar(world: World): Promise<Pair> {
  const source = await world.volume('mixed')
  const pack = () => world.shell(packScript(source, `${world.folder('tar')}/stored.tar.zst`))
  return { ...(await backedUp(world, 'archive')), peer: () => timed(() => stopAndStart(world, pack)) }
}

async function stopAndStart(world: World, between: () => Promise<unknown>): Promise<void> {
  const { name } = await world.target('mixed')
  await world.lab.podman(['stop', name])
  await between()
  await world.lab.podman(['start', name])
}

/** What counts is how long the product says that the service was down, while one percent has changed since the last backup. */
async function backedUp(world: World, kind: Kind): Promise<Omit<Pair, 'peer'>> {
  const source = await world.volume('mixed')
  const { name } = await world.target('mixed')
  await world.lab.podman(['start', name])
  const product = await world.product(`stop-${kind}`, kind)
  const ours = async (): Promise<Cost> => {
    const { exitCode, json, stderr } = await product(['backup', 'mixed', '--json'])
    if (exitCode !== 0) throw new Error(stderr)
    return { seconds: json.targets[0].downtimeSeconds }
  }
  await ours()
  return {
    before: async (round) => changeOnePercent(source, world.scale, round),
    ours,
    [Symbol.asyncDispose]: async () => {
      world.folder(`stop-${kind}`)
      await world.lab.podman(['stop', name])
    },
  }
}
