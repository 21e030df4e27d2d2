import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import { openStory } from '../../support/story.ts'
import { rowsOf, startApp } from './application.ts'

const story = await openStory('sqlite-story')
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

test('SQLite, backed up under its application, restored over newer data, has the state of one instant', async () => {
  const app = await startApp(story, { name: 'app', env: { APP_PASSWORD: newSecret('app') } })
  const { State } = await lab.inspect(app.container.name)
  const before = await app.entries()
  const id = await story.backUp('app')
  const after = await app.entries()
  const captured = await rowsOf(story, 'app', id)
  expect(captured).toBeGreaterThanOrEqual(before)
  expect(captured).toBeLessThanOrEqual(after)
  // The application was neither stopped nor locked out of its own files.
  expect((await lab.inspect(app.container.name)).State.StartedAt).toBe(State.StartedAt)
  await eventually(async () => (await app.entries()) > after, 60, 'it goes on counting')
  await expectOwner(join(app.file, '..'), app.container.name)

  const result = await story.restore('app')
  expect(result.checks.map(({ name }: { name: string }) => name)).toContain('/app/data/iam.db integrity_check')
  // It began again where the snapshot ends.
  await eventually(async () => (await app.entries()) > captured, 60, 'it goes on counting')
  expect(await app.firstEntries()).toBe(captured)
  expect(await stat(app.file)).toMatchObject({ uid: 1000, gid: 1000 })
})

/** A journal that comes and goes could not be looked at: the container is paused meanwhile. */
async function expectOwner(folder: string, container: string): Promise<void> {
  await lab.podman(['pause', container])
  const files = await readdir(folder)
  expect(files).toContain('iam.db')
  for (const name of files) expect(await stat(join(folder, name)), name).toMatchObject({ uid: 1000, gid: 1000 })
  await lab.podman(['unpause', container])
}
