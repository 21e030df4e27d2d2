import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { eventually, startLab } from '../../lab/lab.ts'

describe('the lab itself', () => {
  test('runs a labelled service under its health check and leaves nothing', async () => {
    const lab = await startLab('lab', { health: true })
    try {
      const redis = await lab.run({ name: 'redis', labels: { 'xnai.backup.enable': 'true' }, health: 'redis-cli ping' })
      const healthy = async () => (await lab.inspect(redis.name)).State.Health?.Status === 'healthy'
      await eventually(healthy, 60, 'redis is healthy')
      expect(await redis.exec(['redis-cli', 'ping'])).toBe('PONG\n')
      const failing = redis.exec(['sh', '-c', 'echo out; echo "$WORD" >&2; exit 3'], { env: { WORD: 'wrong' } })
      await expect(failing).rejects.toMatchObject({ code: 3, stdout: 'out\n', stderr: 'wrong\n' })
      expect(await lab.list()).toEqual([redis.name])
    } finally {
      await lab.stop()
    }
    expect(existsSync(lab.dir)).toBe(false)
  })
})
