import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { eventually } from '../../lab/lab.ts'
import type { Product } from '../../lab/product.ts'
import type { Case } from '../case.ts'
import { callCost } from '../world.ts'

const main = join(import.meta.dirname, '../../src/main.ts')
const crowdProgram = join(import.meta.dirname, '../crowd.ts')
const listen = '127.0.0.1:19181'
const clients = 500

/** A backup while a crowd reads the page, the API and the metrics of a controller, and while nobody does. */
export const pageCases: Case[] = [
  {
    name: 'page-crowd',
    against: 'the same backup while nobody reads',
    atMost: 1.1,
    prepare: async (world) => {
      await world.target('big')
      const product = await world.product('page', 'archive')
      const controller = await startController(product)
      const backUp = () => callCost(product, ['backup', 'big'])
      return {
        peer: backUp,
        ours: async () => {
          await using _crowd = await startCrowd()
          return await backUp()
        },
        [Symbol.asyncDispose]: () => end(controller),
      }
    },
  },
]

async function startController({ env }: Product) {
  const options = { env: { ...process.env, ...env, XNAI_BACKUP_LISTEN: listen }, stdio: 'ignore' as const }
  const controller = spawn(main, ['run'], options)
  await eventually(async () => (await fetch(`http://${listen}/readyz`)).ok, 60, 'the first pass')
  return controller
}

/** A process of its own, so that asking costs the controller nothing but the answers. Resolves when every client was answered once. */
async function startCrowd(): Promise<AsyncDisposable> {
  const crowd = spawn(process.execPath, [crowdProgram, listen, String(clients)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(crowd, 'exit').then(() => Promise.reject(new Error('the crowd has gone')))
  ended.catch(() => {})
  await Promise.race([once(crowd.stdout, 'data'), ended])
  return { [Symbol.asyncDispose]: () => end(crowd) }
}

async function end(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
