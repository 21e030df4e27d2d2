import { expect, test } from 'vitest'
import { createRepositoryCache } from '../../../src/controller/repository-cache.ts'
import { BackupError } from '../../../src/errors.ts'
import { shelf, snapshot } from '../../support/cli.ts'
import { fakeClock } from './fake-clock.ts'

const { signal } = new AbortController()
const redis = snapshot('redis', '2026-08-02T02:00:00.000Z')

/** A cache over one repository, and how often that was listed. */
function makeCache() {
  const clock = fakeClock('2026-08-02T09:00:00Z')
  const world = { listings: 0, failure: undefined as Error | undefined }
  const list = async () => {
    world.listings++
    if (world.failure) throw world.failure
    return [redis]
  }
  const cache = createRepositoryCache({ clock, repositories: new Map([['local', shelf([], { list })]]) })
  return { clock, world, cache }
}

test('a listing is used again until it is a minute old', async () => {
  const { clock, world, cache } = makeCache()
  expect(await cache.get(signal)).toMatchObject([
    { tier: 'local', url: 'archive:/backups', snapshots: [{ id: redis.id }] },
  ])
  await clock.advance(59)
  await cache.get(signal)
  expect(world.listings).toBe(1)
  await clock.advance(1)
  await cache.get(signal)
  expect(world.listings).toBe(2)
})

test('after it was invalidated the repositories are listed anew', async () => {
  const { world, cache } = makeCache()
  await cache.get(signal)
  cache.invalidate()
  await cache.get(signal)
  await cache.get(signal)
  expect(world.listings).toBe(2)
})

test('a snapshot that is published during a listing makes the next call list anew', async () => {
  const { world, cache } = makeCache()
  const listing = cache.get(signal)
  cache.invalidate()
  await listing
  await cache.get(signal)
  expect(world.listings).toBe(2)
})

test('a repository that cannot be listed has its error in the listing', async () => {
  const { world, cache } = makeCache()
  world.failure = new BackupError('REPOSITORY_UNREACHABLE', '/backups: no such directory')
  expect(await cache.get(signal)).toMatchObject([{ snapshots: [], error: { code: 'REPOSITORY_UNREACHABLE' } }])
})
