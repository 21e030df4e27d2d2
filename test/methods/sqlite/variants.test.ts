import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import { openStory } from '../../support/story.ts'
import { rowsOf, startApp } from './application.ts'

const story = await openStory('sqlite-variants')
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

/** A database file that is mounted by itself. */
const mountFile = async (name: string) => {
  const file = join(lab.dir, 'files', `${name}.db`)
  await mkdir(join(file, '..'), { recursive: true })
  new DatabaseSync(file).exec('PRAGMA user_version = 7')
  return { file, service: { name, path: '/app/iam.db', volumes: [`${file}:/app/iam.db`], user: '0:0' } }
}

const [single, hidden] = await Promise.all([mountFile('single'), mountFile('hidden')])
const [journal, stopped, mounted] = await Promise.all([
  startApp(story, { name: 'journal', mode: 'DELETE' }),
  startApp(story, { name: 'stopped', labels: { quiesce: 'stop' } }),
  startApp(story, { ...single.service, mode: 'DELETE' }),
  startApp(story, hidden.service),
])

test('a database with a rollback journal is backed up under its application and comes back', async () => {
  const before = await journal.entries()
  const id = await story.backUp('journal')
  const after = await journal.entries()
  const captured = await rowsOf(story, 'journal', id)
  expect(captured).toBeGreaterThanOrEqual(before)
  expect(captured).toBeLessThanOrEqual(after)
  await eventually(async () => (await journal.entries()) > after, 60, 'it goes on counting')
  await story.restore('journal')
  await eventually(async () => (await journal.entries()) > captured, 60, 'it counts again')
  expect(await journal.firstEntries()).toBe(captured)
  expect(await stat(journal.file)).toMatchObject({ uid: 1000, gid: 1000 })
})

test('an application whose label asks for it is stopped for the capture', async () => {
  const { exitCode, json } = await story.call(['backup', 'stopped'])
  expect([exitCode, json.targets[0].stopped]).toEqual([0, [stopped.container.name]])
  const captured = await rowsOf(story, 'stopped', json.targets[0].snapshot)
  await eventually(async () => (await stopped.entries()) > captured, 60, 'it goes on counting')
})

test('a single file that is mounted comes back in the same inode', async () => {
  await mounted.stop()
  const before = await mounted.entries()
  await story.backUp('single')
  const { ino } = await stat(single.file)
  await lab.podman(['start', mounted.container.name])
  await eventually(async () => (await mounted.entries()) > before, 60, 'it goes on counting')
  await mounted.stop()
  await story.restore('single')
  expect((await stat(single.file)).ino).toBe(ino)
  expect(await mounted.entries()).toBe(before)
})

test('a single file that is mounted and has a log is refused while its application runs', async () => {
  const { exitCode, json } = await story.call(['backup', 'hidden'])
  expect(exitCode).toBe(1)
  expect(json.targets[0].error.message).toMatch(/container alone/)
})
