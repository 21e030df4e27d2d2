import { describe, expect, test } from 'vitest'
import { decodeLabels } from '../../../src/labels/decode.ts'

const decode = (labels: Record<string, string>) =>
  decodeLabels(Object.fromEntries(Object.entries(labels).map(([key, value]) => [`xnai.backup.${key}`, value])))

const names = (labels: Record<string, string>) => decode(labels).targets.map(({ name }) => name)

describe('what a container says', () => {
  test('nothing, without labels of ours', () => {
    const decoded = decodeLabels({ 'com.docker.compose.service': 'web', 'xnai.router.enable': 'yes', maintainer: '' })
    expect(decoded).toEqual({ enabled: false, targets: [], broken: [], problems: [] })
  })

  test('enable alone makes the default target: files, every writable mount, stopped', () => {
    expect(decode({ enable: 'true' }).targets).toEqual([
      {
        method: 'files',
        options: {},
        settleSeconds: 60,
        maxWaitSeconds: 86_400,
        exclude: [],
        quiesce: 'stop',
        startTimeoutSeconds: 120,
        execTimeoutSeconds: 60,
      },
    ])
  })

  test.each(['sqlite', 'redis', 'postgres', 'mariadb', 'mongodb', 'qdrant', 'victoriametrics'])(
    'a %s target stops nobody by default',
    (method) => {
      const paths: Record<string, string> = method === 'sqlite' ? { paths: '/app/iam.db' } : {}
      expect(decode({ enable: 'true', method, ...paths }).targets).toMatchObject([{ method, quiesce: 'none' }])
    },
  )

  test('a named target alone is the only one', () => {
    expect(names({ enable: 'true', 'target.iam.method': 'sqlite', 'target.iam.paths': '/iam.db' })).toEqual(['iam'])
  })

  test('a target key directly under the prefix makes the default target beside the named ones', () => {
    expect(names({ enable: 'true', settle: '5m', 'target.b.quiesce': 'none', 'target.a.quiesce': 'none' })).toEqual([
      undefined,
      'a',
      'b',
    ])
  })

  test('group-writer alone makes no target and needs no enable', () => {
    expect(decode({ 'group-writer': 'main' })).toEqual({
      enabled: false,
      targets: [],
      broken: [],
      groupWriter: 'main',
      problems: [],
    })
  })

  test('enable "false" opts out, but the group it writes stays whole', () => {
    expect(decode({ enable: 'false', method: 'redis', 'group-writer': 'main' })).toEqual({
      enabled: false,
      targets: [],
      broken: [],
      groupWriter: 'main',
      problems: [],
    })
  })

  test('a target without enable is broken, not ignored', () => {
    const { enabled, broken } = decode({ name: 'cache', method: 'redis' })
    expect({ enabled, broken }).toMatchObject({
      enabled: false,
      broken: [{ name: 'cache', problems: [{ label: 'xnai.backup.enable', suggestion: 'true' }] }],
    })
  })

  test('a broken target leaves the others of its container alone', () => {
    const decoded = decode({ enable: 'true', 'target.a.method': 'reddis', 'target.b.method': 'postgres' })
    expect(decoded.targets).toMatchObject([{ name: 'b' }])
    expect(decoded.broken).toMatchObject([{ name: 'a' }])
  })

  test('blanks around values do not count, paths are normalised', () => {
    const [target] = decode({
      enable: ' true ',
      paths: ' /app/data/faiss_index/ , /srv//x/./y',
      settle: '5m\n',
    }).targets
    expect(target).toMatchObject({ paths: ['/app/data/faiss_index', '/srv/x/y'], settleSeconds: 300 })
  })

  test('commas within braces belong to a pattern', () => {
    expect(decode({ enable: 'true', exclude: '*.{tmp,log}, cache/**' }).targets).toMatchObject([
      { exclude: ['*.{tmp,log}', 'cache/**'] },
    ])
  })

  test.each([
    ['["redis-cli", "SAVE"]', ['redis-cli', 'SAVE']],
    ['redis-cli SAVE && sync', ['/bin/sh', '-c', 'redis-cli SAVE && sync']],
  ])('%s runs as %j', (text, argv) => {
    expect(decode({ enable: 'true', 'exec-pre': text }).targets).toMatchObject([{ execPre: argv }])
  })

  test('options of a method, with their defaults', () => {
    const [target] = decode({
      enable: 'true',
      method: 'redis',
      'redis.tls': 'true',
      'redis.password-env': 'PW',
    }).targets
    expect(target?.options).toEqual({ port: 6379, tls: true, passwordEnv: 'PW' })
  })

  test('retention, with the rules in any order', () => {
    expect(decode({ enable: 'true', 'retention.local': 'last=3, daily = 30d' }).targets).toMatchObject([
      { retentionLocal: { daily: 2_592_000, last: 3 } },
    ])
  })
})
