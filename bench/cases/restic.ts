import type { Case, Pair } from '../case.ts'
import { changeOnePercent, type DataSet } from '../data.ts'
import { callCost, type World } from '../world.ts'

const targetsOfMany = 20

export const resticCases: Case[] = [
  { ...plusOne('restic-first-big'), prepare: (world) => first(world, 'big') },
  { ...plusOne('restic-first-small'), prepare: (world) => first(world, 'small') },
  { ...plusOne('restic-unchanged-big'), prepare: (world) => unchanged(world, 'big') },
  { ...plusOne('restic-unchanged-small'), prepare: (world) => unchanged(world, 'small') },
  {
    name: 'restic-restore-in-place',
    against: 'restic restore --delete',
    atMost: 1.1,
    plusSeconds: 1,
    prepare: restoreInPlace,
  },
  { name: 'restic-20-unchanged', against: '20 × restic backup', atMost: 0.7, prepare: many },
]

function plusOne(name: string) {
  return { name, against: 'restic backup', atMost: 1.05, plusSeconds: 1 }
}

async function first(world: World, set: DataSet): Promise<Pair> {
  await world.target(set)
  const source = await world.volume(set)
  return {
    peer: async () => {
      const repository = await emptyRepository(world)
      return world.shell(`restic -r ${repository} backup -q ${source}`)
    },
    ours: async () => callCost(await world.product('restic', 'restic'), ['backup', set]),
    [Symbol.asyncDispose]: () => clear(world),
  }
}

async function unchanged(world: World, set: DataSet): Promise<Pair> {
  await world.target(set)
  const source = await world.volume(set)
  const { repository, product } = await bothFilled(world, [set], [source])
  return {
    peer: () => world.shell(`restic -r ${repository} backup -q ${source}`),
    ours: () => callCost(product, ['backup', set]),
    [Symbol.asyncDispose]: () => clear(world),
  }
}

/** Each work begins with one file of a hundred changed since the snapshot, and takes it back. */
async function restoreInPlace(world: World): Promise<Pair> {
  await world.target('mixed')
  const source = await world.volume('mixed')
  const { repository, product } = await bothFilled(world, ['mixed'], [source])
  return {
    before: async (round) => changeOnePercent(source, world.scale, round),
    peer: () => world.shell(`restic -r ${repository} restore -q latest:${source} --target ${source} --delete`),
    ours: () => callCost(product, ['restore', 'mixed', '--yes', '--no-safety']),
    [Symbol.asyncDispose]: () => clear(world),
  }
}

/** Twenty targets with a few files each, as a stack has them. */
async function many(world: World): Promise<Pair> {
  const names = Array.from({ length: targetsOfMany }, (_, index) => `one-of-many-${index}`)
  const sources: string[] = []
  for (const name of names) {
    const volume = `${world.lab.project}-${name}`
    await world.lab.run({
      name,
      command: ['true'],
      volumes: [`${volume}:/data`],
      labels: { 'xnai.backup.enable': 'true', 'xnai.backup.schedule': 'manual' },
      create: true,
    })
    const root = (await world.lab.podman(['volume', 'inspect', '--format', '{{.Mountpoint}}', volume])).trim()
    await world.shell(`for i in 1 2 3 4 5; do head -c 100000 /dev/urandom > ${root}/file-$i; done`)
    sources.push(root)
  }
  const { repository, product } = await bothFilled(world, names, sources)
  const scripts = sources.map((source) => `restic -r ${repository} backup -q ${source}`)
  return {
    peer: () => world.shell(scripts.join('; ')),
    ours: () => callCost(product, ['backup', ...names]),
    [Symbol.asyncDispose]: () => clear(world),
  }
}

async function bothFilled(world: World, targets: string[], sources: string[]) {
  const repository = await emptyRepository(world)
  for (const source of sources) await world.shell(`restic -r ${repository} backup -q ${source}`)
  const product = await world.product('restic', 'restic')
  await callCost(product, ['backup', ...targets])
  return { repository, product }
}

async function emptyRepository(world: World): Promise<string> {
  const repository = world.folder('bare-restic')
  world.folder('cache')
  await world.shell(`restic -r ${repository} init -q`)
  return repository
}

async function clear(world: World): Promise<void> {
  for (const name of ['bare-restic', 'restic', 'cache']) world.folder(name)
}
