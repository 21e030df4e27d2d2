import { setTimeout as sleep } from 'node:timers/promises'
import { startFakeQdrant } from './qdrant.ts'

/** The contract server as the program of a container. A shard takes it as long as a small one takes the real server. */
const { QDRANT__SERVICE__API_KEY: apiKey } = process.env
const fake = await startFakeQdrant({
  storage: '/qdrant/storage',
  snapshots: '/qdrant/snapshots',
  host: '0.0.0.0',
  port: 6333,
  ...(apiKey && { apiKey }),
})
fake.onShard = () => sleep(300)
process.once('SIGTERM', () => process.exit(0))
