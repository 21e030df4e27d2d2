import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type ConfigSources, defaultConfigFile, loadConfig } from '../../src/config/load.ts'
import { BackupError } from '../../src/errors.ts'

const daySeconds = 86_400

interface World extends Pick<ConfigSources, 'file' | 'exists'> {
  files?: Record<string, string>
}

/** A world with these files, and with sockets where `exists` says so. */
function load(yaml: string | undefined, env: Record<string, string> = {}, more: World = {}) {
  const { file, exists = () => false, files } = more
  const content: Record<string, string> = { ...files, ...(yaml !== undefined && { [file ?? defaultConfigFile]: yaml }) }
  const readFile = async (path: string) => {
    const text = content[path]
    if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' })
    return text
  }
  return loadConfig({ file, env, readFile, exists })
}

/** The lines of the one error that names every problem. */
async function problems(...world: Parameters<typeof load>): Promise<string[]> {
  const error = await load(...world).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof BackupError)) throw new Error('the configuration was accepted', { cause: error })
  expect(error.code).toBe('CONFIG_INVALID')
  return error.message.split('\n').slice(1)
}

describe('defaults', () => {
  test('without file and environment they are those of the contract', async () => {
    expect(await load(undefined)).toEqual({
      engine: 'unix:///run/podman/podman.sock',
      managers: [
        [
          { path: '/run/dbus/system_bus_socket', isBus: true },
          { path: '/run/systemd/private', isBus: false },
        ],
        [],
      ],
      local: { kind: 'archive', dir: '/backups' },
      state: '/var/lib/xnai-backup',
      compression: 3,
      concurrency: 2,
      logLevel: 'info',
      remoteAppendOnly: false,
      listen: { host: '127.0.0.1', port: 9180 },
      notify: [],
      settings: {
        schedule: { kind: 'cron', expression: '0 2 * * *' },
        drill: { kind: 'cron', expression: '0 5 * * 0' },
        drillMaxAgeSeconds: 14 * 86_400,
        timezone: 'UTC',
        rpoSeconds: daySeconds,
        rtoSeconds: 7200,
        retention: {
          local: { daily: 30 * daySeconds, weekly: 90 * daySeconds },
          remote: { weekly: 90 * daySeconds, monthly: 365 * daySeconds },
        },
        imageLabels: 'ignore',
      },
    })
  })

  test('an empty file, one of comments and empty values say nothing', async () => {
    const nothing = await load(undefined)
    for (const yaml of ['', '# nothing\n', '---\n', 'remote:\nschedule: ""\n'])
      expect(await load(yaml)).toEqual(nothing)
    expect(await load(undefined, { XNAI_BACKUP_REMOTE: '', XNAI_BACKUP_RPO: ' ' })).toEqual(nothing)
  })

  test('a file named by --config must exist', async () => {
    await expect(load(undefined, {}, { file: '/etc/my.yaml' })).rejects.toThrow('/etc/my.yaml cannot be read: ENOENT')
  })
})

describe('values', () => {
  test.each(['retention:\n  local: daily=7d', 'retention.local: daily=7d'])('from the file: %s', async (retention) => {
    const config = await load(`${retention}\nrpo: 12h\nconcurrency: 4\ncompression: 1`)
    expect(config).toMatchObject({
      concurrency: 4,
      compression: 1,
      settings: { rpoSeconds: 43_200, retention: { local: { daily: 7 * daySeconds } } },
    })
  })

  test('the environment is stronger than the file', async () => {
    const env = {
      XNAI_BACKUP_SCHEDULE: '@hourly',
      XNAI_BACKUP_RETENTION_LOCAL: 'last=1',
      XNAI_BACKUP_LOG_LEVEL: 'debug',
    }
    expect(await load('schedule: manual\nlog-level: error', env)).toMatchObject({
      logLevel: 'debug',
      settings: { schedule: { kind: 'cron', expression: '0 * * * *' }, retention: { local: { last: 1 } } },
    })
  })

  test.each([
    ['the variable', 'timezone: Asia/Tokyo', { XNAI_BACKUP_TIMEZONE: 'Europe/Berlin', TZ: 'UTC' }, 'Europe/Berlin'],
    ['the file', 'timezone: Asia/Tokyo', { TZ: 'Europe/Berlin' }, 'Asia/Tokyo'],
    ['TZ', '', { TZ: 'Europe/Berlin' }, 'Europe/Berlin'],
  ])('the time zone comes from %s', async (_, yaml, env, zone) => {
    expect((await load(yaml, env)).settings.timezone).toBe(zone)
  })
})

describe('the engine', () => {
  test.each([
    [
      'CONTAINER_HOST before DOCKER_HOST and the file',
      { CONTAINER_HOST: 'unix:///a.sock', DOCKER_HOST: 'tcp://b:2375' },
      'unix:///a.sock',
    ],
    ['DOCKER_HOST', { DOCKER_HOST: 'tcp://127.0.0.1:2375' }, 'tcp://127.0.0.1:2375'],
    ['a bare path', { CONTAINER_HOST: '/run/x.sock' }, 'unix:///run/x.sock'],
    ['the file', {}, 'unix:///file.sock'],
  ])('from %s', async (_, env, address) => {
    expect((await load('engine: unix:///file.sock', env)).engine).toBe(address)
  })

  test.each([
    ['/run/user/1000/podman/podman.sock', { XDG_RUNTIME_DIR: '/run/user/1000' }],
    ['/var/run/docker.sock', {}],
  ])('else the first socket that exists: %s', async (socket, env) => {
    expect((await load('', env, { exists: (path) => path === socket })).engine).toBe(`unix://${socket}`)
  })
})

describe('who is told', () => {
  const names = async (...world: Parameters<typeof load>) =>
    (await load(...world)).notify.map(({ level, name }) => `${level} ${name}`)

  test('stands in the file as a list, and a comma of an address stays in it', async () => {
    const yaml = 'notify:\n- error=https://a/x?b=1,2\n- smtp://mail/?to=a@b,c@d\n- ntfy://ntfy.sh/topic'
    expect(await names(yaml)).toEqual(['error webhook a', 'warning smtp mail', 'warning ntfy ntfy.sh'])
  })

  test.each([
    'ntfy://ntfy.sh/a,error=https://b/c',
    'ntfy://ntfy.sh/a, error=https://b/c',
    'ntfy://ntfy.sh/a error=https://b/c',
  ])('stands in the environment: %s', async (text) => {
    expect(await names(undefined, { XNAI_BACKUP_NOTIFY: text })).toEqual(['warning ntfy ntfy.sh', 'error webhook b'])
  })

  test('stands in a secret file, a line each, with comments', async () => {
    const files = {
      '/run/secrets/notify': '# the team\nntfy://ntfy.sh/a\n\n  # the boss\nerror=https://b/c#secret=x\n',
    }
    const env = { XNAI_BACKUP_NOTIFY_FILE: '/run/secrets/notify' }
    expect(await names(undefined, env, { files })).toEqual(['warning ntfy ntfy.sh', 'error webhook b'])
  })
})

describe('systemd', () => {
  test('is looked for where the variables of D-Bus say, and in the folder of the user', async () => {
    const { managers } = await load(undefined, {
      DBUS_SYSTEM_BUS_ADDRESS: 'unix:abstract=/x;unix:guid=1,path=/srv/a%20bus',
      DBUS_SESSION_BUS_ADDRESS: 'tcp:host=localhost,port=4',
      XDG_RUNTIME_DIR: '/run/user/7',
    })
    expect(managers[0]?.[0]).toEqual({ path: '/srv/a bus', isBus: true })
    expect(managers[1]).toEqual([
      { path: '/run/user/7/bus', isBus: true },
      { path: '/run/user/7/systemd/private', isBus: false },
    ])
  })
})

describe('repositories and their passwords', () => {
  test('a restic repository takes its password from the environment, or from a file', async () => {
    const env = { XNAI_BACKUP_LOCAL_PASSWORD: 'one', XNAI_BACKUP_REMOTE_PASSWORD_FILE: '/run/secrets/two' }
    const config = await load('local: restic:/r\nremote: restic:s3:https://host/bucket', env, {
      files: { '/run/secrets/two': 'two\n' },
    })
    if (config.local.kind !== 'restic' || config.remote?.kind !== 'restic') throw new Error('no restic repository')
    expect([config.local.url, config.local.password()]).toEqual(['/r', 'one'])
    expect([config.remote.url, config.remote.password()]).toEqual(['s3:https://host/bucket', 'two'])
    expect(JSON.stringify(config)).not.toMatch(/"one"|"two"/)
  })

  test('without a password one is made later, with the repository', async () => {
    const { local } = await load('local: restic:/r')
    expect(local.kind === 'restic' && local.password()).toBeUndefined()
  })

  test.each([
    [
      'both ways at once',
      { XNAI_BACKUP_LOCAL: 'restic:/r', XNAI_BACKUP_LOCAL_PASSWORD: 'hunter2', XNAI_BACKUP_LOCAL_PASSWORD_FILE: '/p' },
      ['  XNAI_BACKUP_LOCAL_PASSWORD = ***: is set, and so is XNAI_BACKUP_LOCAL_PASSWORD_FILE; one of them must go'],
    ],
    [
      'a file that is not there',
      { XNAI_BACKUP_LOCAL_PASSWORD_FILE: '/none' },
      ['  XNAI_BACKUP_LOCAL_PASSWORD_FILE = /none: cannot be read: ENOENT'],
    ],
    [
      'an empty file',
      { XNAI_BACKUP_LOCAL_PASSWORD_FILE: '/empty' },
      ['  XNAI_BACKUP_LOCAL_PASSWORD_FILE = /empty: names an empty file'],
    ],
    [
      'the same repository twice',
      { XNAI_BACKUP_REMOTE: 'archive:/backups/' },
      ['  remote: is the same repository as local'],
    ],
  ])('%s is a problem', async (_, env, expected) => {
    expect(await problems('', env, { files: { '/p': 'hunter2', '/empty': '\n' } })).toEqual(expected)
  })
})

describe('the address of the page', () => {
  const token = 'correct-horse-battery'

  test.each(['127.0.0.1:9180', '127.8.0.1:80', '[::1]:9180', 'localhost:0'])('%s needs no token', async (listen) => {
    expect((await load(`listen: "${listen}"`)).listen).toBeDefined()
  })

  test.each(['0.0.0.0:9180', '[::]:80', 'metrics.internal:9180', '127.0.0.1.example.org:80', '10.0.0.7:9180'])(
    '%s needs a token',
    async (listen) => {
      const problem = `  listen = ${listen}: needs listen-token too, because others than this machine reach the address`
      expect(await problems(`listen: "${listen}"`)).toEqual([problem])
      const config = await load(`listen: "${listen}"`, { XNAI_BACKUP_LISTEN_TOKEN: token })
      expect(config.listenToken?.()).toBe(token)
      expect(JSON.stringify(config)).not.toContain(token)
    },
  )

  test('off: nothing is served', async () => {
    expect((await load('listen: off')).listen).toBeUndefined()
  })

  test('a token that is too short is one problem, and is not shown', async () => {
    const env = { XNAI_BACKUP_LISTEN: '0.0.0.0:9180', XNAI_BACKUP_LISTEN_TOKEN_FILE: '/token' }
    expect(await problems('', env, { files: { '/token': 'hunter2\n' } })).toEqual([
      '  XNAI_BACKUP_LISTEN_TOKEN_FILE = ***: must be a token of 16 characters or more, without blanks',
    ])
  })
})

describe('problems', () => {
  test.each([
    ['an unknown key', 'shedule: manual', '  shedule = manual: is no key of the configuration; did you mean schedule?'],
    [
      'an unknown nested key',
      'retention: {lokal: daily=1d}',
      '  retention.lokal = daily=1d: is no key of the configuration; did you mean retention.local?',
    ],
    ['a secret under an unknown key', 'local-pasword: hunter2', '  local-pasword = hunter2: is no key'],
    [
      'a value of the wrong kind',
      'rpo: 1 day',
      '  rpo = 1 day: must be a duration such as 90s, 15m, 24h, 30d, 12w or 1y; did you mean 1d?',
    ],
    ['a repository without its kind', 'local: /backups', '; did you mean archive:/backups?'],
    ['a relative directory', 'local: archive:backups', '; did you mean archive:/backups?'],
    [
      'a secret in a list of addresses',
      'notify: [https://hooks/hunter2, ftp://hunter2]',
      '  notify = ***: entry ***: must have one of the schemes https, ntfy, ',
    ],
    [
      'a secret that stands twice',
      'notify: [https://hooks/hunter2, https://hooks/hunter2]',
      '  notify = ***: names *** twice',
    ],
    ['a secret in an address', 'remote: rest:https://user:hunter2@host/', '  remote = ***: must be archive:DIR'],
    ['an engine by ssh', 'engine: ssh://host/run/podman.sock', 'ssh is not spoken here'],
    ['an address without port', 'engine: tcp://host', 'must be unix:///PATH or tcp://HOST:PORT'],
    ['a port alone', 'listen: 9180', '; did you mean 127.0.0.1:9180?'],
    [
      'a password that opens nothing',
      'local-password: hunter2',
      '  local-password = ***: goes with a restic repository only',
    ],
    ['a key that would be refused', 'notfy: "off"', '  notfy = off: is no key of the configuration'],
    ['a level that zstd does not have', 'compression: 20', 'must be a whole number from 1 to 19'],
    ['a number beyond reason', 'concurrency: 0', 'must be a whole number from 1 to 64'],
    ['a log level of others', 'log-level: warning', '; did you mean warn?'],
    [
      'an unquoted @daily',
      'rpo: 1h\nschedule: @daily',
      'is no valid YAML, line 2: put quotes around values that start with',
    ],
    ['an unquoted star', 'schedule: *hunter2', 'is no valid YAML: put quotes around values that start with'],
    ['a key that stands twice', 'rpo: 1h\nrpo: 2h', 'is no valid YAML, line 2: duplicate key'],
    ['a list instead of keys', '- rpo', 'must be lines of KEY: VALUE'],
  ])('%s', async (_, yaml, expected) => {
    const lines = await problems(yaml)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(expected.replace('hunter2', '***'))
    expect(lines[0]).not.toContain('hunter2')
  })

  test('all of them at once, of file and environment', async () => {
    const lines = await problems('schedul: manual\nrto: soon', {
      XNAI_BACKUP_CONCURENCY: '3',
      XNAI_BACKUP_DRILL: 'never',
      TZ: 'Mars/Base',
    })
    expect(lines.map((line) => line.trim().split(' ')[0])).toEqual([
      'schedul',
      'XNAI_BACKUP_CONCURENCY',
      'XNAI_BACKUP_DRILL',
      'TZ',
      'rto',
    ])
  })

  test('the variables of the shipped compose file are none of ours', async () => {
    const compose = readFileSync(new URL('../../compose.backup.yaml', import.meta.url), 'utf8')
    const withoutComments = compose.replaceAll(/^ *# - .*$/gm, '').replaceAll('XNAI_BACKUP_LISTEN_TOKEN', '')
    const names = [...withoutComments.matchAll(/XNAI_BACKUP_[A-Z_]+/g)].map(([name]) => name)
    expect(names).toContain('XNAI_BACKUP_IMAGE')
    await expect(load('', Object.fromEntries(names.map((name) => [name, 'anything'])))).resolves.toBeDefined()
  })
})
