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

  test('is told to enter its user namespace before services are changed', async () => {
    const { stderr } = await run(['backup', 'redis'], { engine: rootless, userId: 1000 })
    expect(stderr).toMatch(/^hint: .* podman unshare xnai-backup/)
  })

  test.for([
    ['root within that namespace is not told so', ['backup', 'redis'], 0],
    ['a user who only reads is not told so', ['list'], 1000],
  ] as const)('%s', async ([, args, userId]) => {
    const { stderr } = await run([...args], { engine: rootless, userId })
    expect(stderr).not.toContain('unshare')
  })
})

describe('when the leftovers of dead runs cannot be found', () => {
  const sweep = () => Promise.reject(new BackupError('REPOSITORY_FAILED', '/backups: input/output error'))

  test('a command that only reads goes on with a warning', async () => {
    const { exitCode, stdout, stderr } = await run(['list'], { local: shelf([], { sweep }) })
    expect(stderr).toBe('warning: could not look for what dead runs left behind: /backups: input/output error\n')
    expect(stdout).toBe('No snapshots.\n')
    expect(exitCode).toBe(0)
  })

  test('a command that changes services does not begin', async () => {
    const { exitCode, stderr } = await run(['backup', 'files'], { local: shelf([], { sweep }) })
    expect(stderr).toContain('error: /backups: input/output error')
    expect(exitCode).toBe(1)
  })
})
