/** A thread that plays one process of the product: it carries out one job of a play after the other. */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { parentPort } from 'node:worker_threads'

enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/compile'))
const { playJob } = await import('./play-job.ts')

parentPort?.on('message', async (order) => parentPort?.postMessage(await playJob(order)))
parentPort?.postMessage('ready')
