import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type LabContainer } from '../../../lab/lab.ts'
import { backedUp, openStory, type Story } from '../../support/story.ts'

let story: Story
let server: LabContainer
/** Where vmbackup wrote, on the host. */
let old: string
let storage: string

const curl = (path: string, body = '') =>
  server.exec(['curl', '-sSf', '--data-binary', body, `http://localhost:8428${path}`])
const series = async () => (await curl('/api/v1/export', 'match[]={room!=""}')).trim().split('\n').toSorted()

beforeAll(async () => {
  story = await openStory('vmbackup')
  const { lab } = story
  old = join(lab.dir, 'files', 'old')
  mkdirSync(old, { mode: 0o777 })
  const labels = backedUp('victoriametrics')
  const volumes = ['metrics:/victoria-metrics-data', `${old}:/old`]
  server = await lab.run({ name: 'metrics', command: ['svc', 'victoriametrics'], volumes, labels })
  await eventually(() => curl('/health'), 30, 'the server answers')
  storage = (await lab.inspect(server.name)).Mounts.find(({ Type }) => Type === 'volume')?.Source ?? ''
})
afterAll(() => story?.[Symbol.asyncDispose]())

test('a directory of vmbackup comes back by the vmrestore of the image', async () => {
  const begin = Date.now() - 3_600_000
  const lines = Array.from({ length: 2000 }, (_, n) => `temperature{room="${n % 20}"} ${n} ${begin + n * 1000}`)
  await curl('/api/v1/import/prometheus', `${lines.join('\n')}\n`)
  await curl('/internal/force_flush')
  const before = await series()
  expect(before).toHaveLength(20)
  const backup = ['-storageDataPath=/victoria-metrics-data', '-dst=fs:///old/day', '-httpListenAddr=127.0.0.1:0']
  await server.exec(['vmbackup', ...backup, '-snapshot.createURL=http://localhost:8428/snapshot/create'])
  await curl('/api/v1/admin/tsdb/delete_series', 'match[]={room!=""}')

  const result = await story.restore('metrics', '--from', join(old, 'day'))
  expect(result.warnings.join()).toContain('does not say how many series')
  await eventually(async () => (await series()).join() === before.join(), 30, 'the series are there again')
  expect(readdirSync(storage).filter((name) => name.startsWith('xnai-'))).toEqual([])
})

test('one that is not complete is refused, and nothing is touched', async () => {
  execFileSync('cp', ['-r', join(old, 'day'), join(old, 'torn')])
  await rm(join(old, 'torn', 'backup_complete.ignore'))
  const { exitCode, json } = await story.call(['restore', 'metrics', '--from', join(old, 'torn'), '--yes'])
  expect([exitCode, json.error.code]).toEqual([1, 'RESTORE_REFUSED'])
  expect(json.error.message).toContain('should hold a directory of vmbackup')
  expect(readdirSync(storage).filter((name) => name.startsWith('xnai-'))).toEqual([])
  expect(await series()).toHaveLength(20)
})
