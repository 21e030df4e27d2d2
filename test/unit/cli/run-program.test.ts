import { describe, expect, test } from 'vitest'
import { BackupError, reportError } from '../../../src/errors.ts'
import { fakeEngine } from '../../fakes/engine.ts'
import { container, run, shelf, volume } from '../../support/cli.ts'
import { failureShape } from '../../support/json-shapes.ts'

test('an error of any command is one JSON document on stdout, and text on stderr', async () => {
  const error = new BackupError('REPOSITORY_UNREACHABLE', '/backups: no such directory')
  const unreachable = () => Promise.reject(error)
  const { exitCode, json, stderr } = await run(['list', '--json'], { local: shelf([], { list: unreachable }) })
  expect(failureShape.parse(json())).toEqual({ error: reportError(error) })
  expect(stderr).toMatch(/^error: \/backups: no such directory\nhint: /)
  expect(exitCode).toBe(1)
})

test('a secret of a container that is part of an error never reaches the output', async () => {
  const secret = container('redis', {
    labels: { 'xnai.backup.enable': 'true' },
    environment: { REDIS_PASSWORD: 'open sesame' },
    mounts: [volume('redis', '/data')],
  })
  const careless = () => Promise.reject(new BackupError('AUTH_FAILED', 'redis-cli -a open sesame: refused'))
  const { stdout, stderr } = await run(['list', '--json'], {
    containers: [secret],
    local: shelf([], { list: careless }),
  })
  expect(stdout + stderr).not.toContain('open sesame')
  expect(stdout).toContain('redis-cli -a [secret]: refused')
})

describe('an ordinary user of a rootless engine', () => {
  const engine = fakeEngine()
  const rootless = { ...engine, isRootless: async () => true }

  test('is told to enter its user namespace before files are touched', async () => {
    const { stderr } = await run(['backup', 'redis'], { engine: rootless, userId: 1000 })
    expect(stderr).toMatch(/^hint: .* podman unshare xnai-backup/)
  })

  test.for([
    ['root within that namespace', ['backup', 'redis'], 0],
    ['who only looks', ['list'], 1000],
  ] as const)('%s is not', async ([, args, userId]) => {
    const { stderr } = await run([...args], { engine: rootless, userId })
    expect(stderr).not.toContain('unshare')
  })
})
