import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { toFacts } from '../../../src/engine/facts.ts'

interface Recorded {
  docker: { State: object; Config: { Labels: object }; HostConfig: object; NetworkSettings: object }
  libpod: object
}

/** What Podman 4.3.1 answered, in both forms. */
function recorded(name: string): Recorded {
  return JSON.parse(readFileSync(new URL(`../../fixtures/inspect/${name}.json`, import.meta.url), 'utf8'))
}

function factsOf(name: string) {
  const { docker, libpod } = recorded(name)
  return toFacts(docker, libpod)
}

describe('facts of a container', () => {
  test('made by docker compose', () => {
    expect(factsOf('docker-compose')).toEqual({
      id: 'b6f3f8b5a8be548744bc8b193473c307e42e975886925831b6753763b3cfd167',
      name: 'shop-redis-1',
      engine: 'podman',
      project: 'shop',
      service: 'redis',
      number: 1,
      oneoff: false,
      image: 'localhost/example:latest',
      imageId: 'sha256:d6717c90d77d34b8b1994551435db14671a00249d64c065a898cf5afdd17cd2a',
      labels: expect.objectContaining({ 'xnai.backup.enable': 'true' }),
      state: 'running',
      health: 'starting',
      exitCode: 0,
      startedAt: expect.stringMatching(/^2026-/),
      user: '1000:1000',
      environment: expect.any(Map),
      mounts: [
        {
          kind: 'volume',
          name: 'shop_data',
          source: '/var/lib/containers/storage/volumes/shop_data/_data',
          destination: '/data',
          writable: true,
        },
        { kind: 'bind', source: '/srv/shop/app.toml', destination: '/etc/app.toml', writable: false },
        { kind: 'bind', source: '/srv/shop/conf', destination: '/conf', writable: true },
        { kind: 'other', source: '', destination: '/data/scratch', writable: true },
      ],
      networks: [
        { name: 'shop_default', address: expect.stringMatching(/^10\./), gateway: expect.stringMatching(/^10\./) },
      ],
      dependsOn: ['db', 'mail'],
      requires: [],
    })
  })

  test('say that the engine removes the container when it stops', () => {
    const { docker, libpod } = recorded('docker-compose')
    const ephemeral = {
      ...docker,
      HostConfig: { ...docker.HostConfig, AutoRemove: true },
      State: { ...docker.State, Pid: 70 },
    }
    const monitored = { ...libpod, State: { ConmonPid: 69 } }
    expect(toFacts(ephemeral, monitored)).toMatchObject({ autoRemove: true, processes: [70, 69] })
    expect(toFacts(docker, libpod).autoRemove).toBeUndefined()
  })

  test('keep what follows the first = of a variable, and empty values', () => {
    const { environment } = factsOf('docker-compose')
    expect(environment.get('REDIS_PASSWORD')).toBe('a=b')
    expect(environment.get('EMPTY')).toBe('')
  })

  test('made by podman-compose, paused, with a stop timeout and a unit', () => {
    expect(factsOf('podman-compose-paused')).toMatchObject({
      project: 'web',
      service: 'db',
      number: 1,
      state: 'paused',
      health: 'none',
      stopTimeoutSeconds: 30,
      systemdUnit: 'podman-compose@web.service',
      dependsOn: [],
    })
  })

  test('that requires another and reads its volume', () => {
    expect(factsOf('podman-compose-requires')).toMatchObject({
      requires: [factsOf('podman-compose-paused').id],
      mounts: [{ name: 'web_db', writable: false }],
    })
  })

  test('in the network namespace of another', () => {
    const { joins, requires } = factsOf('shared-network')
    expect(joins).toMatch(/^[0-9a-f]{64}$/)
    expect(requires).toEqual([joins])
  })

  test('in a user namespace of its own, never started', () => {
    const facts = factsOf('user-namespace')
    expect(facts.state).toBe('created')
    expect(facts.startedAt).toBeUndefined()
    expect(facts.idMap).toEqual({
      uids: expect.arrayContaining([{ inside: 0, outside: 1, count: 1001 }]),
      gids: expect.arrayContaining([{ inside: 1001, outside: 0, count: 1 }]),
    })
  })

  test('outside compose, ended with its exit code', () => {
    const facts = factsOf('ended')
    expect(facts).toMatchObject({ name: 'ended', state: 'stopped', exitCode: 3, oneoff: false })
    expect(facts).not.toHaveProperty('project')
    expect(facts.networks).toEqual([{ name: 'podman' }])
  })

  test('of Docker, which has no libpod form, leaves null and names in short', () => {
    const docker = {
      Id: 'f'.repeat(64),
      Name: '/shop-db-1',
      Image: `sha256:${'0'.repeat(64)}`,
      State: { Status: 'exited', ExitCode: 137, StartedAt: '2026-01-01T00:00:00Z' },
      Config: { Image: 'postgres:17', Env: null, Labels: { 'com.docker.compose.oneoff': 'True' } },
      HostConfig: { NetworkMode: 'shop_default' },
      Mounts: [{ Type: 'bind', Source: '/srv/db/', Destination: '/var/lib/db/', RW: true }],
      NetworkSettings: { Networks: { shop_default: { IPAddress: '', GlobalIPv6Address: 'fd00::2' } } },
    }
    expect(toFacts(docker)).toMatchObject({
      image: 'docker.io/library/postgres:17',
      exitCode: 137,
      oneoff: true,
      mounts: [{ source: '/srv/db', destination: '/var/lib/db' }],
      networks: [{ name: 'shop_default', address: 'fd00::2' }],
      requires: [],
    })
    expect(toFacts(docker)).not.toHaveProperty('stopTimeoutSeconds')
  })

  test.each([
    ['redis', 'docker.io/library/redis'],
    ['vikunja/vikunja:1', 'docker.io/vikunja/vikunja:1'],
    ['localhost/own:1', 'localhost/own:1'],
    ['registry:5000/own', 'registry:5000/own'],
    ['ghcr.io/a/b@sha256:0', 'ghcr.io/a/b@sha256:0'],
    [`sha256:${'a'.repeat(64)}`, `sha256:${'a'.repeat(64)}`],
  ])('the image %s is %s in full', (given, full) => {
    const { docker, libpod } = recorded('ended')
    expect(toFacts({ ...docker, Config: { ...docker.Config, Image: given } }, libpod).image).toBe(full)
  })

  test.each([
    ['configured', 'created'],
    ['initialized', 'created'],
    ['stopping', 'stopping'],
    ['restarting', 'running'],
    ['removing', 'removing'],
    ['dead', 'stopped'],
    ['a word of next year', 'stopped'],
  ])('the state %s counts as %s', (status, state) => {
    const { docker, libpod } = recorded('ended')
    expect(toFacts({ ...docker, State: { ...docker.State, Status: status } }, libpod).state).toBe(state)
  })

  test('tell that a stop is under way where Podman says so by its own API alone, as 5.8 does', () => {
    const { docker, libpod } = recorded('docker-compose')
    const at = (status: string) => toFacts(docker, { ...libpod, State: { Status: status } }).state
    expect(docker.State).toMatchObject({ Status: 'running' })
    expect(at('stopping')).toBe('stopping')
    // What has changed between both questions is told by the first one, with its exit code.
    expect(at('exited')).toBe('running')
  })

  test('of an answer that is none are ENGINE_FAILED, and say where', () => {
    expect(() => toFacts({ Id: 'x' })).toThrow(expect.objectContaining({ code: 'ENGINE_FAILED' }))
    expect(() => toFacts({ Id: 'x' })).toThrow(/State/)
    expect(() => toFacts(Buffer.from('<html>'))).toThrow(expect.objectContaining({ code: 'ENGINE_FAILED' }))
  })
})
