import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startFakeQdrant } from './qdrant.ts'

/** A folder with a file of the name of each collection that the server MUST NOT replace any further. It is empty when the server starts. */
const held = '/tmp/held'
rmSync(held, { recursive: true, force: true })
mkdirSync(held)

/** The contract server as the program of a container. */
const { QDRANT__SERVICE__API_KEY: apiKey } = process.env
const fake = await startFakeQdrant({
  storage: '/qdrant/storage',
  snapshots: '/qdrant/snapshots',
  host: '0.0.0.0',
  port: 6333,
  ...(apiKey && { apiKey }),
})
fake.onShard = async (_done, collection) => {
  do await sleep(100)
  while (existsSync(join(held, collection)))
}
process.once('SIGTERM', () => process.exit(0))
