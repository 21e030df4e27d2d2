import { rm, stat, truncate, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStory } from '../../support/story.ts'
import { makeDisk } from '../shared/disk.ts'
import { expectFull, sharedFailures } from '../shared/failures.ts'
import { type App, rowsOf, startApp, subject } from './application.ts'

const story = await openStory('sqlite-failures')
afterAll(() => story[Symbol.asyncDispose]())

sharedFailures(story, subject)

describe('a database that is lost', () => {
  let app: App
  let id: string
  let captured: number

  beforeAll(async () => {
    app = await startApp(story, { name: 'lost' })
    await app.stop()
    id = await story.backUp('lost')
    captured = await rowsOf(story, 'lost', id)
  })

  test.each([
    ['is deleted', (file: string) => rm(file), undefined],
    ['is emptied', (file: string) => truncate(file, 0), 'raw'],
    ['is overwritten', (file: string) => writeFile(file, '<html>not found</html>'), 'raw'],
  ])('because its file %s fails its backup, and a restore brings it back', async (_what, destroy, safety) => {
    await destroy(app.file)
    const failed = await story.call(['backup', 'lost'])
    expect(failed.exitCode).toBe(1)
    expect(failed.json.targets[0].error).toMatchObject({
      code: 'DUMP_FAILED',
      message: expect.stringContaining('iam.db'),
    })
    expect((await story.restore('lost', '--at', id)).safety).toBe(safety)
    expect(await app.entries()).toBe(captured)
    expect(await stat(app.file)).toMatchObject({ uid: 1000, gid: 1000 })
  })
})

test('a full temporary folder of the controller fails the backup, and the hint names TMPDIR', async () => {
  const { data } = makeDisk(story.lab, 'tmp', 1)
  const service = await subject.start(story, { name: 'copied' })
  await service.exec(['sqlite3', '/data/app.db', 'CREATE TABLE much AS SELECT randomblob(4000000)'])
  const failed = await story.call(['backup', 'copied'], { env: { TMPDIR: data } })
  expectFull(failed, /TMPDIR/)
  expect((await story.call(['list', 'copied'])).json).toMatchObject({ snapshots: [] })
  await story.backUp('copied')
})
