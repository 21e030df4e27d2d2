import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MethodContext } from '../../../../src/methods/method.ts'
import { artifactsOf, findStorage } from '../../../../src/methods/victoriametrics/layout.ts'

const name = '20261123021443-18EA8ADC75885B34'
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'xnai-test-'))
})
afterEach(() => rmSync(root, { recursive: true }))

/** A storage at `at` with a snapshot that has these links. */
function makeStorage(at: string, links: Record<string, string>): void {
  mkdirSync(join(root, at, 'snapshots', name, 'data'), { recursive: true })
  mkdirSync(join(root, at, 'snapshots', name, 'metadata'))
  for (const [link, target] of Object.entries(links)) symlinkSync(target, join(root, at, 'snapshots', name, link))
}

const mounted = (destinations: Record<string, string>): MethodContext => {
  const mounts = Object.keys(destinations).map((destination) => ({
    kind: 'volume',
    source: '',
    destination,
    writable: true,
  }))
  return {
    container: { name: 'vm', mounts },
    hostPath: (path: string) => join(root, destinations[path] ?? ''),
  } as MethodContext
}

test('the storage is found below one of the mounts by the snapshot in it', () => {
  mkdirSync(join(root, 'config', 'snapshots'), { recursive: true })
  makeStorage('data/deep/vm', {})
  const storage = findStorage(mounted({ '/etc/vm': 'config', '/data': 'data' }), name)
  expect(storage).toEqual({ path: '/data/deep/vm', root: `${join(root, 'data')}/./deep/vm` })
  expect(() => findStorage(mounted({ '/etc/vm': 'config' }), name)).toThrow(/none of its mounts/)
})

test('what the links lead to takes the place of the links', () => {
  for (const part of ['data/small', 'indexdb']) mkdirSync(join(root, part, 'snapshots', name), { recursive: true })
  makeStorage('', { 'data/small': `../../../data/small/snapshots/${name}`, indexdb: `../../indexdb/snapshots/${name}` })
  const parts = artifactsOf({ path: '/vm', root }, name).map((part) => [
    part.name,
    part.origin,
    part.root,
    part.exclude,
  ])
  expect(parts).toEqual([
    ['storage', '/vm', `${root}/./snapshots/${name}`, ['data/small', 'indexdb']],
    ['data-small', '/vm/data/small', `${root}/./data/small/snapshots/${name}`, []],
    ['indexdb', '/vm/indexdb', `${root}/./indexdb/snapshots/${name}`, []],
  ])
})

test.each([
  ['leads out of the storage', '../../../../etc'],
  ['leads to the top of the host', '/etc'],
  ['leads nowhere', `../../../data/small/snapshots/${name}`],
])('a link that %s is refused', (_, target) => {
  makeStorage('', { 'data/small': target })
  expect(() => artifactsOf({ path: '/vm', root }, name)).toThrow(/leads out of the storage, or nowhere/)
})

test('a link that leads through another link is not followed out of the storage', () => {
  mkdirSync(join(root, 'vm'))
  mkdirSync(join(root, 'host/etc'), { recursive: true })
  symlinkSync('../host', join(root, 'vm/elsewhere'))
  makeStorage('vm', { 'data/small': '../../../elsewhere/etc' })
  expect(() => artifactsOf({ path: '/vm', root: join(root, 'vm') }, name)).toThrow(/elsewhere .*is a symbolic link/)
})

test('a storage behind a link is not found', () => {
  makeStorage('host', {})
  mkdirSync(join(root, 'data'))
  symlinkSync('../host', join(root, 'data/vm'))
  expect(() => findStorage(mounted({ '/data': 'data' }), name)).toThrow(/none of its mounts/)
})

test('a link whose name no artifact can have is refused', () => {
  mkdirSync(join(root, 'data/small/snapshots', name), { recursive: true })
  const target = `../../../data/small/snapshots/${name}`
  makeStorage('', { 'data/small': target, 'data/*(a)': target })
  expect(() => artifactsOf({ path: '/vm', root }, name)).toThrow(/not laid out as known/)
})

test('a snapshot without the folders that are known is refused', () => {
  makeStorage('', {})
  expect(() => artifactsOf({ path: '/vm', root }, name)).toThrow(/not laid out as known/)
})
