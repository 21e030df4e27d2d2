import { Readable } from 'node:stream'
import { hashing } from '../../lib/hash.ts'
import type { Tampering } from '../repository.ts'
import { type Restic, runRestic } from './program.ts'
import { feed } from './store-stream.ts'

/** Marks what is stored in order to try to delete it. It is no part of any snapshot of ours. */
const CANARY = 'xnai-backup-canary'

/** See `Repository.tamper`. restic ends well in some versions though it was refused, so that the listing decides. */
export async function tamperWithRestic(restic: Restic, signal: AbortSignal): Promise<Tampering> {
  const [earlier] = await listCanaries(restic, signal)
  const id = earlier ?? (await storeCanary(restic, signal))
  const answer = await runRestic(restic, ['forget', id], { signal }).then(
    () => 'the deletion ended without an error',
    (error: unknown) => {
      if (signal.aborted) throw error
      return (error as Error).message
    },
  )
  const isRefused = (await listCanaries(restic, signal)).includes(id)
  if (isRefused) return { isRefused, answer }
  return { isRefused, answer: 'deleted a snapshot of restic' }
}

/** One that was refused earlier serves again. */
async function storeCanary(restic: Restic, signal: AbortSignal): Promise<string> {
  const flags = ['--host', 'xnai-backup', '--tag', CANARY, '--stdin-filename', 'canary']
  const { snapshot } = await feed(restic, Readable.from([Buffer.from('canary')]), hashing(), flags, signal)
  return snapshot
}

async function listCanaries(restic: Restic, signal: AbortSignal): Promise<string[]> {
  const text = await runRestic(restic, ['snapshots', '--no-lock', '--tag', CANARY], { signal })
  return (JSON.parse(text) as { id: string }[]).map(({ id }) => id)
}
