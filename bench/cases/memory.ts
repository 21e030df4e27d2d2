import { join } from 'node:path'
import { runMeasured } from '../../lab/peak-memory.ts'
import type { Product } from '../../lab/product.ts'
import type { Figure } from '../case.ts'
import type { Kind, World } from '../world.ts'

const main = join(import.meta.dirname, '../../src/main.ts')
const mebibyte = 1024 * 1024
const backup = ['backup', 'huge']
const restore = ['restore', 'huge', '--yes', '--no-safety']

/** Peak memory of the product's own process, without those of its children, with a volume of 5 GB. */
export const memoryFigures: Figure[] = (['archive', 'restic'] as const).flatMap((kind) => [
  figure(`memory-backup-${kind}`, async (world) => peak(await productOn(world, kind), backup)),
  figure(`memory-restore-${kind}`, async (world) => {
    const product = await productOn(world, kind)
    await peak(product, backup)
    return peak(product, restore)
  }),
])

function figure(name: string, measure: Figure['measure']): Figure {
  return { name, unit: 'MiB', atMost: 200, measure }
}

async function productOn(world: World, kind: Kind): Promise<Product> {
  await world.target('huge')
  return world.product('memory', kind)
}

async function peak({ env }: Product, args: string[]): Promise<number> {
  const { exitCode, stderr, peakBytes } = await runMeasured(main, [...args, '--json'], env)
  if (exitCode !== 0) throw new Error(stderr)
  return peakBytes / mebibyte
}
