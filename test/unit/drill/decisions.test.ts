import { describe, expect, test } from 'vitest'
import { placeOf } from '../../../src/drill/address.ts'
import { choosePlaces, explainPlaces } from '../../../src/drill/places.ts'
import { judgeFailure } from '../../../src/drill/result.ts'
import { bind, container, volume } from '../plan/build.ts'

describe('the places of a scratch container', () => {
  const mounts = [
    volume('data', '/var/lib/db'),
    volume('wal', '/var/lib/db/wal'),
    { ...bind('/srv/conf', '/etc/db'), writable: false },
    {
      kind: 'other' as const,
      special: 'socket' as const,
      source: '/run/podman.sock',
      destination: '/sock',
      writable: true,
    },
    { kind: 'other' as const, source: '', destination: '/tmp', writable: true },
  ]
  const kinds = (data: string[]) =>
    Object.fromEntries(choosePlaces({ mounts }, data).map(({ kind, mount }) => [mount.destination, kind]))

  test('are empty where the restore writes, copies elsewhere, memory for memory, and nothing for what leads out', () => {
    expect(kinds(['/var/lib/db/base'])).toEqual({
      ...{ '/var/lib/db': 'data', '/var/lib/db/wal': 'copy', '/etc/db': 'copy', '/sock': 'none', '/tmp': 'memory' },
    })
    expect(kinds(['/var/lib/db'])).toMatchObject({ '/var/lib/db': 'data', '/var/lib/db/wal': 'data' })
  })

  test('are told where the drill says nothing because of them', () => {
    const places = choosePlaces({ mounts }, ['/var/lib/db'])
    expect(explainPlaces(places, new Set(['/etc/db']))).toEqual([
      expect.stringContaining('/etc/db was empty'),
      expect.stringContaining('/sock was not there: a drill gives no socket'),
    ])
  })
})

describe('the address of verify.http', () => {
  const app = container('app', { published: [{ hostPort: 8080, port: 80 }] })
  const others = [app, container('db')]

  test.each([
    ['http://app:3000/up?x=1', { port: 3000, path: '/up?x=1', tls: false, hostHeader: 'app:3000' }],
    ['http://shop-app-1/', { port: 80, path: '/', hostHeader: 'shop-app-1' }],
    ['http://localhost:8080/', { port: 80, path: '/', hostHeader: 'localhost:8080' }],
    ['https://shop.example/', { port: 443, tls: true }],
    ['http://app:8080/', { port: 8080 }],
  ])('%s is asked of the scratch container', (address, place) => {
    expect(placeOf(address, app, others)).toMatchObject(place)
  })

  test('of another container of the stack is not asked', () => {
    expect(placeOf('http://db:80/', app, others)).toEqual({ notAsked: expect.stringContaining('db') })
  })
})

describe('a failure', () => {
  test.each([
    ['stored bytes', 'SNAPSHOT_DAMAGED', 'failed'],
    ['stored bytes', 'REPOSITORY_UNREACHABLE', 'could not run'],
    ['scratch container', 'IMAGE_GONE', 'could not run'],
    ['scratch container', 'INTERNAL', 'could not run'],
    ['restore', 'NO_SPACE', 'could not run'],
    ['restore', 'ENGINE_UNREACHABLE', 'could not run'],
    ['restore', 'CANCELLED', 'could not run'],
    ['restore', 'RESTORE_REFUSED', 'failed'],
    ['restore', 'PROOF_FAILED', 'failed'],
    ['start', 'UNHEALTHY', 'failed'],
  ] as const)('at %s by %s: %s', (stage, code, verdict) => {
    expect(judgeFailure(stage, code)).toBe(verdict)
  })
})
