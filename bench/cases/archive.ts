import { rm } from 'node:fs/promises'
import type { Case } from '../case.ts'
import type { DataSet } from '../data.ts'
import { callCost } from '../world.ts'

/** The level of the product's default. */
const level = 3
const flags = "--xattrs --xattrs-include='*' --acls --numeric-owner"

export const archiveCases: Case[] = [
  backup('big', 1.05),
  backup('small', 1.3),
  restore('big', 1.1),
  restore('small', 1.2),
]

/** What an operator would type: one file of tar and zstd, written to the disk. */
export const packScript = (source: string, stored: string): string =>
  `tar ${flags} --sparse --format=posix -C ${source} -cf - . | zstd -q -f -T0 -${level} -o ${stored}; sync ${stored}`

function backup(set: DataSet, atMost: number): Case {
  return {
    name: `archive-backup-${set}`,
    against: 'tar | zstd',
    atMost,
    async prepare(world) {
      await world.target(set)
      const source = await world.volume(set)
      return {
        peer: async () => {
          const stored = `${world.folder('tar')}/stored.tar.zst`
          return world.shell(packScript(source, stored))
        },
        ours: async () => callCost(await world.product('archive', 'archive'), ['backup', set]),
        async [Symbol.asyncDispose]() {
          world.folder('tar')
          world.folder('archive')
        },
      }
    },
  }
}

function restore(set: DataSet, atMost: number): Case {
  return {
    name: `archive-restore-${set}`,
    against: 'zstd -d | tar -x',
    atMost,
    async prepare(world) {
      await world.target(set)
      const stored = `${world.folder('tar')}/stored.tar.zst`
      await world.shell(packScript(await world.volume(set), stored))
      const product = await world.product('archive', 'archive')
      await callCost(product, ['backup', set])
      const to = world.folder('to')
      return {
        before: async () => void world.folder('to'),
        peer: () => world.shell(`zstd -q -dc ${stored} | tar ${flags} -xpf - -C ${to}; sync -f ${to}`),
        ours: () => callCost(product, ['restore', set, '--to', to]),
        async [Symbol.asyncDispose]() {
          for (const name of ['tar', 'archive', 'to']) await rm(world.folder(name), { recursive: true })
        },
      }
    },
  }
}
