import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, servicesImage } from '../../../lab/lab.ts'
import { openStory } from '../../support/story.ts'
import { hostPath } from '../shared/subject.ts'
import { guard, labels, place, startMetrics, upTo, write } from './server.ts'

const story = await openStory('victoriametrics')
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

/** Where vmbackup wrote, on the host. */
const old = join(lab.dir, 'files', 'old')
mkdirSync(old, { mode: 0o777 })

const tls = join(lab.dir, 'files', 'tls')
mkdirSync(tls)
const make = 'req -x509 -newkey rsa:2048 -nodes -keyout /tls/key -out /tls/cert -days 2 -subj /CN=vm.example'
await lab.podman([
  'run',
  '--rm',
  '--network',
  'none',
  '--volume',
  `${tls}:/tls`,
  servicesImage,
  'openssl',
  ...make.split(' '),
])

const odd = [`-storageDataPath=${place}/deep/vm`, '-http.pathPrefix=/vm']
const oddLabels = labels({
  'victoriametrics.path-prefix': '/vm',
  'victoriametrics.user': 'backup',
  'victoriametrics.password-env': 'VM_httpAuth_password',
  'victoriametrics.tls': 'true',
})
const startOdd = { name: 'odd', labels: oddLabels, flags: odd, prefix: '/vm', guarded: true, env: guard }
const [ages, guarded, metrics, brief] = await Promise.all([
  // Most servers have more series than one question may match.
  startMetrics(story, { name: 'ages', labels: labels(), flags: ['-search.maxSeries=5'] }),
  startMetrics(story, { ...startOdd, volumes: [`odd:${place}`, `${tls}:/tls:ro`] }),
  startMetrics(story, { name: 'metrics', labels: labels(), volumes: [`metrics:${place}`, `${old}:/old`] }),
  startMetrics(story, { name: 'brief', labels: labels() }),
])

test('a server with more series than it may list comes back over newer and over older data', async () => {
  await write(ages, 1, 50)
  const older = await story.backUp('ages')
  await write(ages, 51, 100)
  const newer = await story.backUp('ages')
  const { checks } = await story.restore('ages', '--at', older)
  expect(checks.map(({ name }: { name: string }) => name)).toContain('sample of 1 series')
  expect(await ages.values()).toEqual(upTo(50))
  await story.restore('ages', '--at', newer)
  expect(await ages.values()).toEqual(upTo(100))
})

test('a server without data, with its storage below the mount, a path prefix, a login and TLS, comes back', async () => {
  await story.backUp('odd')
  await write(guarded, 1, 3)
  await story.restore('odd')
  expect(await guarded.values()).toEqual([])
})

test('a snapshot with data that the server no longer keeps comes back with a warning', async () => {
  const begin = Date.now() - 20 * 86_400_000
  const lines = Array.from({ length: 50 }, (_, n) => `counter ${n + 1} ${begin + n * 1000}`)
  await brief.ask('/api/v1/import/prometheus', `${lines.join('\n')}\n`)
  await eventually(async () => (await brief.values()).length === 50, 60, 'the points are seen')
  await story.backUp('brief')
  await lab.podman(['rm', '--force', '--time', '5', brief.container.name])
  const shorter = await startMetrics(story, { name: 'brief', labels: labels(), flags: ['-retentionPeriod=7d'] })
  const { warnings } = await story.restore('brief')
  expect(warnings.join()).toContain('-retentionPeriod')
  expect(await shorter.values()).toEqual([])
})

describe('a directory of vmbackup', () => {
  const series = async () => (await metrics.ask('/api/v1/export', 'match[]={room!=""}')).trim().split('\n').toSorted()
  const ours = async () => {
    const names = readdirSync(await hostPath(lab, metrics.container, place))
    return names.filter((name) => name.startsWith('xnai-'))
  }

  beforeAll(async () => {
    const begin = Date.now() - 3_600_000
    const lines = Array.from({ length: 2000 }, (_, n) => `temperature{room="${n % 20}"} ${n} ${begin + n * 1000}`)
    await metrics.ask('/api/v1/import/prometheus', `${lines.join('\n')}\n`)
    await metrics.ask('/internal/force_flush')
    const backup = [`-storageDataPath=${place}`, '-dst=fs:///old/day', '-httpListenAddr=127.0.0.1:0']
    const create = '-snapshot.createURL=http://localhost:8428/snapshot/create'
    await metrics.container.exec(['vmbackup', ...backup, create])
  })

  test('comes back by the vmrestore of the image', async () => {
    const before = await series()
    expect(before).toHaveLength(20)
    await metrics.ask('/api/v1/admin/tsdb/delete_series', 'match[]={room!=""}')
    const result = await story.restore('metrics', '--from', join(old, 'day'))
    expect(result.warnings.join()).toContain('does not say how many series')
    await eventually(async () => (await series()).join() === before.join(), 60, 'the series are there again')
    expect(await ours()).toEqual([])
  })

  test('that is not complete is refused, and nothing is touched', async () => {
    const before = await series()
    execFileSync('cp', ['-r', join(old, 'day'), join(old, 'torn')])
    await rm(join(old, 'torn', 'backup_complete.ignore'))
    const { exitCode, json } = await story.call(['restore', 'metrics', '--from', join(old, 'torn'), '--yes'])
    expect([exitCode, json.error.code]).toEqual([1, 'RESTORE_REFUSED'])
    expect(json.error.message).toContain('should hold a directory of vmbackup')
    expect(await ours()).toEqual([])
    expect(await series()).toEqual(before)
  })
})
