import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Artifact, Snapshot } from '../../src/repository/repository.ts'
import type { Case, Pair } from '../case.ts'
import { timed } from '../meter.ts'
import { snapshotMeta } from '../snapshot-meta.ts'
import { openBare, type World } from '../world.ts'

const snapshots = 100
const dumpBytes = 20_000
const { signal } = new AbortController()

/** What counts of ours is the copying alone, as the controller does it beside its other work. */
export const replicateCases: Case[] = [
  { name: 'replicate-100-small', against: 'restic copy', atMost: 1.1, plusSeconds: 2, prepare },
]

async function prepare(world: World): Promise<Pair> {
  const source = world.folder('copy-from')
  const from = openBare(source)
  await from.initialise(signal)
  const made: Snapshot[] = []
  for (let index = 0; index < snapshots * world.scale; index++) {
    const meta = snapshotMeta(`target-${index % 10}`, new Date(Date.UTC(2026, 0, 1, index)).toISOString())
    made.push(await (await from.stage(meta, dump(), { signal })).publish(meta, signal))
  }
  return {
    peer: async () => {
      const to = world.folder('copy-to')
      const other = `RESTIC_FROM_PASSWORD=$RESTIC_PASSWORD restic -r ${to}`
      await world.shell(`${other} init -q --from-repo ${source} --copy-chunker-params`)
      return world.shell(`${other} copy -q --from-repo ${source}`)
    },
    ours: async () => {
      world.folder('copy-to-home')
      const to = openBare(world.folder('copy-to'), { copiesFrom: from })
      await to.initialise(signal)
      return timed(() => to.copyFrom(from, made, { signal }))
    },
    async [Symbol.asyncDispose]() {
      for (const name of ['copy-from', 'copy-from-home', 'copy-to', 'copy-to-home']) world.folder(name)
    },
  }
}

async function* dump(): AsyncGenerator<Artifact> {
  yield { kind: 'stream', name: 'dump', open: async () => Readable.from([randomBytes(dumpBytes)]) }
}
