import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../lab/lab.ts'
import { loadConfig } from '../../src/config/load.ts'
import { excludeMatcher } from '../../src/lib/tree/exclude.ts'
import { openParts } from '../../src/main.ts'
import { codeOf, each, metaOf, never, put, streamOf, treeOf } from '../contract/repository.ts'
import { run } from '../support/cli.ts'
import { backupShape, checkShape, listShape, restoreShape } from '../support/json-shapes.ts'
import { makeNastyTree, makeSocket } from '../support/nasty-tree.ts'
import { setOneApp } from '../support/one-app.ts'
import { resticFolder, resticPassword, resticPerTest } from '../support/restic.ts'
import { scanTree } from '../support/scan-tree.ts'

const world = resticPerTest()

const newFolder = (name: string): string => {
  mkdirSync(join(world.folder, name))
  return join(world.folder, name)
}

const withoutHoles = (scan: Record<string, string>) =>
  Object.fromEntries(Object.entries(scan).map(([path, text]) => [path, text.replace(/ (holes|full)/, '')]))

test('a nasty tree comes back exactly, by ours and by stock restic', async () => {
  const source = join(world.folder, 'source')
  makeNastyTree(source)
  const before = withoutHoles(scanTree(source))
  const snapshot = await put(world.repository, metaOf('one'), treeOf('data', source))
  const to = newFolder('to')
  await world.repository.extract(snapshot, 'data', to, { signal: never })
  expect(withoutHoles(scanTree(to))).toEqual(before)
  expect(lstatSync(join(to, 'sparse')).blocks * 512).toBeLessThan(1_000_000)
  const { expected, actual } = await world.repository.proveTree(snapshot, 'data', to, { signal: never })
  expect(actual).toBe(expected)
  const { snapshot: id } = (snapshot.artifacts[0] as { stored: { snapshot: string } }).stored
  const [own] = JSON.parse(world.stock('snapshots', '--json', id))
  expect(own).toMatchObject({ hostname: 'shop/redis', paths: ['/tree/data', '/tree/entries.jsonl'] })
  world.stock('restore', `${id}:/tree`, '--target', join(world.folder, 'stock'))
  // Stock restic makes a hard link of a symbolic link anew, as a link of its own.
  const byStock = withoutHoles(scanTree(join(world.folder, 'stock/data')))
  const link = before['sub/soft-hard']?.replace(/same inode as [^;]*; /, '')
  expect(byStock).toEqual({ ...before, 'sub/soft-hard': link })
})

test('a removal takes along what an earlier one left when it died after the manifest was gone', async () => {
  const idsOf = (text: string): string[] => JSON.parse(text).map(({ id }: { id: string }) => id)
  const half = await put(world.repository, metaOf('one'), streamOf('dump', 'one'))
  const { snapshot: left } = (half.artifacts[0] as { stored: { snapshot: string } }).stored
  const manifest = idsOf(world.stock('snapshots', '--json')).find((id) => id !== left) as string
  await put(world.repository, metaOf('two'), streamOf('dump', 'two'))
  const staged = await world.repository.stage({ project: 'shop', target: 'db' }, each(streamOf('dump', 'three')), {
    signal: never,
  })
  world.stock('forget', manifest)
  await world.repository.remove(['two'], never)
  const kept = idsOf(world.stock('snapshots', '--json'))
  expect(kept).not.toContain(left)
  expect(kept, 'what is being stored stays').toHaveLength(1)
  await staged.publish(metaOf('three', { target: 'db' }), never)
  expect((await world.repository.list(never)).map(({ id }) => id)).toEqual(['three'])
})

test('the root takes what it had, and loses what it has got since', async () => {
  const source = newFolder('source')
  execFileSync('chmod', ['2710', source])
  const snapshot = await put(world.repository, metaOf('one'), treeOf('data', source))
  const to = newFolder('to')
  execFileSync('setfattr', ['-n', 'user.new', '-v', '1', to])
  await world.repository.extract(snapshot, 'data', to, { signal: never })
  expect(scanTree(to)).toEqual(scanTree(source))
})

test('folders on the way to a path that is put back alone stay as they are, and a missing one comes back', async () => {
  const source = newFolder('source')
  mkdirSync(join(source, 'way/gone'), { recursive: true })
  writeFileSync(join(source, 'way/gone/file[1]'), 'x')
  execFileSync('chmod', ['700', join(source, 'way'), join(source, 'way/gone')])
  const snapshot = await put(world.repository, metaOf('one'), treeOf('data', source))
  const to = newFolder('to')
  mkdirSync(join(to, 'way'))
  execFileSync('chmod', ['751', to, join(to, 'way')])
  await world.repository.extract(snapshot, 'data', to, { signal: never, only: ['way/gone/file[1]'] })
  expect(readFileSync(join(to, 'way/gone/file[1]'), 'utf8')).toBe('x')
  const modes = ['.', 'way', 'way/gone'].map((path) => (lstatSync(join(to, path)).mode & 0o777).toString(8))
  expect(modes).toEqual(['751', '751', '700'])
})

test.each([
  '*.log',
  '**/*.log',
  'sub',
  'sub/**',
  '{a,b}*/x',
  '[a-c]/x',
  '[^a]/x',
  'we\\[ird\\]',
  'we[ird]',
  'a?/x',
  './sub/',
  '/a',
  'sub//b.log',
  '..',
])('restic leaves out what the glob %s matches, and nothing else', async (glob) => {
  const source = newFolder('source')
  const paths = ['top.log', 'sub/b.log', 'sub/deep/c.log', 'a/x', 'b/x', 'ab/x', '.hidden.log', 'we[ird]', 'wei', 'wer']
  for (const path of paths) {
    mkdirSync(join(source, path, '..'), { recursive: true })
    writeFileSync(join(source, path), path)
  }
  const snapshot = await put(world.repository, metaOf('one'), treeOf('data', source, [glob]))
  const { snapshot: id } = (snapshot.artifacts[0] as { stored: { snapshot: string } }).stored
  const kept = world
    .stock('ls', '--json', id)
    .split('\n')
    .flatMap((line) => (line.includes('"path":"/tree/data/') ? [JSON.parse(line)] : []))
    .flatMap(({ path, type }) => (type === 'file' ? [path.slice('/tree/data/'.length)] : []))
  const excluded = excludeMatcher([glob])
  const isOut = (path: string) =>
    path.split('/').some((_name, index, names) => excluded(names.slice(0, index + 1).join('/')))
  expect(kept.toSorted()).toEqual(paths.filter((path) => !isOut(path)).toSorted())
})

test('a tree that is written while it is read is NOT_STILL, though size and time are the same', async () => {
  const source = newFolder('source')
  const file = join(source, 'file')
  writeFileSync(file, 'before')
  utimesSync(file, 1, 1)
  const close = await makeSocket(join(source, 'socket'))
  // The walk before restic tells of the socket when it has passed the file.
  const onWarning = () => {
    writeFileSync(file, 'behind')
    utimesSync(file, 1, 1)
  }
  const staged = world.repository.stage(metaOf('one'), each(treeOf('data', source)), { signal: never, onWarning })
  expect(await codeOf(staged)).toBe('NOT_STILL')
  expect(await world.repository.list(never)).toEqual([])
  await close()
})

test('what has not changed is neither stored nor read again', async () => {
  const source = newFolder('source')
  writeFileSync(join(source, 'large'), crypto.getRandomValues(new Uint8Array(65_536)))
  const manifests = new Map()
  const { openRestic } = await import('../../src/repository/restic.ts')
  const again = openRestic(world.place, {
    password: resticPassword,
    home: `${world.place}-home`,
    program: join(resticFolder('trixie'), 'restic'),
    manifests: {
      read: () => manifests,
      update: (_url, { entries }) => entries.forEach((entry) => void manifests.set(entry.folder, entry)),
    },
  })
  const first = await put(again, metaOf('one'), treeOf('data', source))
  writeFileSync(join(source, 'new'), 'new')
  const second = await put(again, metaOf('two'), treeOf('data', source))
  expect(first.storedBytes).toBeGreaterThan(65_536)
  expect(second.storedBytes).toBeLessThan(8192)
  const [, latest] = JSON.parse(world.stock('snapshots', '--json', '--tag', 'artifact=data'))
  expect(latest).toMatchObject({ summary: { files_unmodified: 1 } })
})

test('neither arguments nor environment of restic hold the password', async () => {
  const processes = () =>
    readdirSync('/proc').filter((name) => /^\d+$/.test(name) && textOf(name, 'cmdline').includes(world.place))
  const texts: string[] = []
  const look = async () => {
    const found = await eventually(() => (processes().length > 0 ? processes() : undefined), 60, 'restic')
    texts.push(...found.flatMap((pid) => [textOf(pid, 'cmdline'), textOf(pid, 'environ')]))
  }
  await put(world.repository, metaOf('one'), {
    kind: 'stream',
    name: 'dump',
    open: async () =>
      Readable.from(
        (async function* () {
          yield Buffer.alloc(1000)
          await look()
        })(),
      ),
  })
  expect(texts.some((text) => text.includes('--stdin-from-command'))).toBe(true)
  expect(texts.some((text) => text.includes('RESTIC_REPOSITORY'))).toBe(true)
  expect(texts.some((text) => text.includes(resticPassword))).toBe(false)
})

function textOf(pid: string, file: string): string {
  try {
    return readFileSync(join('/proc', pid, file), 'utf8')
  } catch {
    return ''
  }
}

describe('the command line', () => {
  test('backs up, lists, checks and restores by restic', async () => {
    const { folder, stage } = setOneApp()
    const on = { ...stage, local: world.repository }
    const word = join(folder, 'data/word')
    const backup = backupShape.parse((await run(['backup', 'app', '--json'], on)).json())
    expect(backup.outcome).toBe('complete')
    writeFileSync(word, 'lost')
    const restore = restoreShape.parse((await run(['restore', 'app', '--yes', '--json'], on)).json())
    expect(restore).toMatchObject({ outcome: 'complete', targets: [{ snapshot: backup.targets[0]?.snapshot }] })
    expect(readFileSync(word, 'utf8')).toBe('one')
    const { snapshots } = listShape.parse((await run(['list', '--json'], on)).json())
    expect(snapshots).toHaveLength(2)
    const check = checkShape.parse((await run(['check', '--read-data', '--json'], on)).json())
    expect(check).toMatchObject({ outcome: 'complete', repositories: [{ url: `restic:${world.place}`, damaged: [] }] })
  })

  test('opens what the configuration names', async () => {
    await put(world.repository, metaOf('one'), treeOf('data', newFolder('source')))
    const env = {
      CONTAINER_HOST: `unix://${join(world.folder, 'no.sock')}`,
      XNAI_BACKUP_LOCAL: `restic:${world.place}`,
      XNAI_BACKUP_LOCAL_PASSWORD: resticPassword,
      XNAI_BACKUP_STATE: join(world.folder, 'state'),
    }
    const before = process.env.PATH
    process.env.PATH = `${resticFolder('trixie')}:${before}`
    try {
      const config = await loadConfig({ env, file: undefined })
      await using parts = await openParts(config, pino({ level: 'silent' }), never, 'read')
      const local = parts.repositories.get('local')
      expect(local?.url).toBe(`restic:${world.place}`)
      expect((await local?.list(never))?.map(({ id }) => id)).toEqual(['one'])
    } finally {
      process.env.PATH = before
    }
  })
})
