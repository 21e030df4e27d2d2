import { describe, expect, test } from 'vitest'
import type { Mount } from '../../../src/engine/engine.ts'
import { locate, ownPath } from '../../../src/engine/host-paths.ts'

const bind = (source: string, destination: string): Mount => ({ kind: 'bind', source, destination, writable: true })
const volumes = '/var/lib/containers/storage/volumes'
const volume = (name: string, destination: string): Mount => ({
  ...bind(`${volumes}/${name}/_data`, destination),
  kind: 'volume',
  name,
})
const scratch = (destination: string): Mount => ({ ...bind('', destination), kind: 'other' })

describe('the own path of a host path', () => {
  const host = [bind('/', '/host')]
  test.each<[string, Mount[] | undefined, string, string | undefined]>([
    ['outside a container it is the same', undefined, '/srv/x', '/srv/x'],
    ['without a mount there is none', [], '/srv/x', undefined],
    ['the whole host lies under its mount', host, '/srv/x', '/host/srv/x'],
    ['the root itself', host, '/', '/host'],
    ['the longest source wins', [...host, bind('/srv', '/stack')], '/srv/x', '/stack/x'],
    ['the mounted directory itself', [bind('/srv', '/stack')], '/srv', '/stack'],
    ['a source is a directory, not the beginning of a name', [bind('/srv', '/stack')], '/srv2/x', undefined],
    ['a volume mounted by name', [volume('data', '/d')], `${volumes}/data/_data/a`, '/d/a'],
    ['a single file', [bind('/srv/app.toml', '/app.toml')], '/srv/app.toml', '/app.toml'],
    ['a neighbour of that file is out of reach', [bind('/srv/app.toml', '/app.toml')], '/srv/b.toml', undefined],
    ['tmpfs has no source and leads nowhere', [scratch('/tmp')], '/tmp/x', undefined],
    ['what lies below another mount is hidden', [...host, scratch('/host/srv')], '/srv/x', undefined],
    [
      'then a longer way is taken',
      [bind('/srv', '/a'), scratch('/a/x'), bind('/', '/host')],
      '/srv/x/y',
      '/host/srv/x/y',
    ],
    ['the source at its own place', [bind('/srv', '/srv')], '/srv/x/y', '/srv/x/y'],
  ])('%s', (_sentence, mounts, hostPath, expected) => {
    expect(ownPath(mounts, hostPath)).toBe(expected)
  })
})

describe('the mount of a container path', () => {
  const mounts = [
    volume('data', '/data'),
    bind('/srv/wal', '/data/wal'),
    bind('/srv/app.toml', '/etc/app.toml'),
    scratch('/data/tmp'),
  ]
  test.each<[string, string, string | undefined]>([
    ['the mounted directory', '/data', `${volumes}/data/_data`],
    ['a file in it', '/data/dump.rdb', `${volumes}/data/_data/dump.rdb`],
    ['the deepest mount wins', '/data/wal/1', '/srv/wal/1'],
    ['a single file', '/etc/app.toml', '/srv/app.toml'],
    ['no mount covers it', '/etc/passwd', undefined],
    ['a name that only begins alike', '/database', undefined],
    ['tmpfs within a volume', '/data/tmp/x', undefined],
    ['dots and slashes do not matter', '//data/./wal/../x/', `${volumes}/data/_data/x`],
    ['nobody climbs out by dots', '/data/../etc/shadow', undefined],
  ])('%s', (_sentence, path, hostPath) => {
    expect(locate({ mounts }, path)?.hostPath).toBe(hostPath)
  })

  test('names the mount, so that its volume and its writers can be found', () => {
    expect(locate({ mounts }, '/data/wal/1')?.mount).toBe(mounts[1])
  })
})
