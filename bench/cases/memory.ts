import { runMeasured } from '../../lab/peak-memory.ts'
import type { Product } from '../../lab/product.ts'
import { program } from '../../lab/program.ts'
import type { Figure } from '../case.ts'
import type { Kind, World } from '../world.ts'

const mebibyte = 1024 * 1024
const backup = ['backup', 'huge']
const restore = ['restore', 'huge', '--yes', '--no-safety']

/** Peak memory of the product's own process, without those of its children, with a volume of 5 GB. */
export const memoryFigures: Figure[] = [
  ...(['archive', 'restic'] as const).flatMap((kind) => [
    figure(`memory-backup-${kind}`, async (world) => peak(await productOn(world, kind), backup)),
    figure(`memory-restore-${kind}`, async (world) => {
      const product = await productOn(world, kind)
      await peak(product, backup)
      return peak(product, restore)
    }),
  ]),
  figure('memory-replicate-archive', (world) => replicationPeak(world, 'archive', 'archive')),
  figure('memory-replicate-restic', (world) => replicationPeak(world, 'restic', 'restic')),
  figure('memory-replicate-by-streaming', (world) => replicationPeak(world, 'archive', 'restic')),
]

function figure(name: string, measure: Figure['measure']): Figure {
  return { name, unit: 'MiB', atMost: 200, measure }
}

async function productOn(world: World, kind: Kind): Promise<Product> {
  await world.target('huge')
  return world.product('memory', kind)
}

/** The peak of a backup of nearly nothing, after which the snapshot of the volume is copied to a remote repository that was empty. */
async function replicationPeak(world: World, from: Kind, to: Kind): Promise<number> {
  const product = await productOn(world, from)
  await peak(product, backup)
  await world.target('tiny')
  const remote = await world.product('memory-remote', to)
  const env = {
    ...product.env,
    // A repository of restic brings the way to its program.
    ...(remote.env.PATH !== undefined && { PATH: remote.env.PATH }),
    XNAI_BACKUP_REMOTE: remote.env.XNAI_BACKUP_LOCAL ?? '',
    XNAI_BACKUP_REMOTE_PASSWORD: remote.env.XNAI_BACKUP_LOCAL_PASSWORD ?? '',
  }
  const most = await peak({ env }, ['backup', 'tiny'])
  const { json } = await product(['list', 'huge', '--json'], { env })
  if (!json.snapshots[0]?.tiers.includes('remote')) throw new Error('the volume was not copied')
  return most
}

async function peak({ env }: Pick<Product, 'env'>, args: string[]): Promise<number> {
  const { exitCode, stderr, peakBytes } = await runMeasured(program, [...args, '--json'], env)
  if (exitCode !== 0) throw new Error(stderr)
  return peakBytes / mebibyte
}
