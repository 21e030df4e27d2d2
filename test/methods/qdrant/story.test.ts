import { afterAll, expect, test } from 'vitest'
import { openStory } from '../../support/story.ts'
import {
  awaitReady,
  chooseSource,
  contentOf,
  damage,
  expectNothingLeft,
  type Instance,
  labels,
  startQdrant,
} from './server.ts'

const story = await openStory('qdrant-story')
const { lab } = story
const source = await chooseSource(lab)
afterAll(() => story[Symbol.asyncDispose]())

/** More than one page of any answer. */
const pointCount = 2500

const start = async () => {
  const qdrant = await startQdrant(lab, source, { name: 'qdrant', labels: labels() })
  await awaitReady(qdrant)
  return qdrant
}

/** Adds points until it is ended; answers the ids of all that it added. */
async function startWriter({ client }: Instance): Promise<{ end(): Promise<number[]> }> {
  const { call } = await client()
  const ending = new AbortController()
  const written: number[] = []
  const writing = (async () => {
    for (let id = 100_000; !ending.signal.aborted; id += 10) {
      const ids = Array.from({ length: 10 }, (_, n) => id + n)
      const points = ids.map((id) => ({ id, vector: { text: [id, 1, 1, 1] }, payload: {} }))
      await call('PUT', '/collections/docs/points?wait=true', { points })
      written.push(...ids)
    }
  })()
  return {
    end: async () => {
      ending.abort()
      await writing
      return written
    },
  }
}

test(`Qdrant (${source.name}), backed up, destroyed, restored, has all points, settings, indexes and aliases`, async () => {
  let qdrant = await start()
  await (await qdrant.client()).fill(pointCount)
  const before = await contentOf(qdrant)
  expect(before.collections.find(({ name }) => name === 'docs')?.points).toHaveLength(pointCount)

  const id = await story.backUp('qdrant')
  expect(await contentOf(qdrant)).toEqual(before)
  await damage(qdrant)
  const { checks } = await story.restore('qdrant', '--at', id)
  const counted = { name: 'points of docs', expected: `${pointCount}`, actual: `${pointCount}`, ok: true }
  expect(checks).toContainEqual(counted)
  expect(await contentOf(qdrant)).toEqual(before)
  await expectNothingLeft(qdrant)

  // As on a bare host: container and volume are new.
  await lab.podman(['rm', '--force', '--time', '1', qdrant.container.name])
  await lab.podman(['volume', 'rm', `${lab.project}-qdrant`])
  qdrant = await start()
  await story.restore('qdrant', '--at', id)
  expect(await contentOf(qdrant)).toEqual(before)
  await expectNothingLeft(qdrant)

  // While points are written no instant is promised: their count lies between those of before and after.
  const writer = await startWriter(qdrant)
  const busy = await story.backUp('qdrant').catch(async (error) => {
    await writer.end()
    throw error
  })
  const written = await writer.end()
  const restored = await story.restore('qdrant', '--at', busy)
  expect(restored.checks).toContainEqual(expect.objectContaining({ name: 'points of docs', ok: true }))
  const { call } = await qdrant.client()
  await call('POST', '/collections/docs/points/delete?wait=true', { points: written })
  expect(await contentOf(qdrant)).toEqual(before)
})
