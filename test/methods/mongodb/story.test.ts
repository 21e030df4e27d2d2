import { afterAll, expect, test } from 'vitest'
import { backedUp, openStory, startTimes, states } from '../../support/story.ts'
import { contentOf, damage, fill } from './documents.ts'
import { awaitReady, chooseSource, password, startMongodb } from './server.ts'

const story = await openStory('mongodb-story', [password])
const { lab } = story
const source = await chooseSource(lab)
afterAll(() => story[Symbol.asyncDispose]())

const service = { name: 'db', labels: backedUp('mongodb', { 'start-timeout': '60s' }) }

test(`MongoDB (${source.name}), backed up, destroyed and restored, has the same documents and indexes`, async () => {
  let db = await startMongodb(lab, source, service)
  await awaitReady(db)
  await fill(db, source)
  const before = await contentOf(db)
  expect(before).toHaveLength(source.isReal ? 3005 : 3003)

  const started = await startTimes(lab)
  const { json } = await story.call(['backup', 'db'])
  expect(json.targets[0]).toMatchObject({ outcome: 'complete', stopped: [], downtimeSeconds: 0 })
  expect(json.targets[0].warnings.join()).toContain('no member of a replica set')
  await damage(db)
  const id = json.targets[0].snapshot
  const { checks, warnings } = await story.restore('db', '--at', id)
  expect(checks.map(({ name }: { name: string }) => name)).toContain('shop: documents')
  expect(warnings.join()).toContain('not in the snapshot and dropped: crm.newer')
  expect(await contentOf(db)).toEqual(before)
  expect(await startTimes(lab), 'neither stops anything').toBe(started)

  // As on a bare host: container and volume are new, and nothing ever ran in them.
  await lab.podman(['rm', '--force', '--time', '10', db.container.name])
  await lab.podman(['volume', 'rm', `${lab.project}-db`])
  db = await startMongodb(lab, source, { ...service, create: true })
  await story.restore('db', '--at', id)
  expect((await states(lab)).db, 'it was down, and is again').not.toBe('running')
  await lab.podman(['start', db.container.name])
  await awaitReady(db)
  expect(await contentOf(db)).toEqual(before)
})
