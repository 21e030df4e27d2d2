import { execFileSync } from 'node:child_process'
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { asBackupError } from '../../src/errors.ts'
import { comparePaths } from '../../src/job/contents/compare-trees.ts'
import type { Artifact, Repository, Snapshot, SnapshotMeta, TreeArtifact } from '../../src/repository/repository.ts'

export const never: AbortSignal = new AbortController().signal

export function metaOf(id: string, changes: Partial<SnapshotMeta> = {}): SnapshotMeta {
  return {
    id,
    project: 'shop',
    target: 'redis',
    method: 'redis',
    time: '2026-08-01T02:00:00.000Z',
    set: 's1',
    run: 'r1',
    reason: 'schedule',
    facts: { keys: 42, version: '8.0', databases: { db0: 42 }, aof: false, note: null },
    container: { name: 'shop-redis-1', image: 'docker.io/library/redis:8', imageId: 'sha256:abc', user: '1000:1000' },
    engine: { name: 'podman', version: '5.4.2' },
    creator: '0.1.0',
    quiesced: [],
    warnings: ['a socket is not kept'],
    ...changes,
  }
}

export function streamOf(name: string, ...chunks: (string | Error)[]): Artifact {
  const open = async () =>
    Readable.from(
      (async function* () {
        for (const chunk of chunks) {
          if (chunk instanceof Error) throw chunk
          yield Buffer.from(chunk)
        }
      })(),
    )
  return { kind: 'stream', name, open }
}

export function treeOf(name: string, root: string, exclude: string[] = []): TreeArtifact {
  return { kind: 'tree', name, root, origin: '/data', exclude }
}

export async function* each(...artifacts: (Artifact | Error)[]): AsyncGenerator<Artifact> {
  for (const artifact of artifacts) {
    if (artifact instanceof Error) throw artifact
    yield artifact
  }
}

/** Stage and publish in one. */
export async function put(repository: Repository, meta: SnapshotMeta, ...artifacts: Artifact[]): Promise<Snapshot> {
  const staged = await repository.stage(meta, each(...artifacts), { signal: never })
  return staged.publish(meta, never)
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: unknown) => asBackupError(error).code,
  )
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(items)
}

/**
 * What every repository keeps. `make` opens the one in `folder`, which is empty. `prepare` may put a repository there that has an id and no
 * snapshot, where making one takes long.
 */
export function repositoryContract(
  name: string,
  make: (folder: string) => Promise<Repository>,
  prepare: (folder: string) => Promise<void> = async () => {},
): void {
  describe(`${name} keeps the contract of a repository`, () => {
    let folder: string
    let source: string
    let repository: Repository
    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'repository-'))
      source = join(folder, 'source')
      mkdirSync(join(source, 'sub/empty'), { recursive: true })
      writeFileSync(join(source, 'a.txt'), 'alpha')
      writeFileSync(join(source, 'sub/b.bin'), Buffer.alloc(700_000, 'b'))
      symlinkSync('/missing', join(source, 'sub/broken'))
      mkdirSync(join(folder, 'repository'))
      await prepare(join(folder, 'repository'))
      repository = await make(join(folder, 'repository'))
    })
    afterEach(() => rmSync(folder, { recursive: true, force: true }))

    const target = (label: string) => {
      const to = join(folder, label)
      mkdirSync(to)
      return to
    }

    test('a fresh repository lists nothing, is whole, and can be swept', async () => {
      const repository = await make(target('fresh'))
      expect(await repository.list(never)).toEqual([])
      expect(await collect(repository.check({ readData: true, signal: never }))).toEqual([])
      await repository.sweep(never)
    })

    test('a fresh repository has no id until it is given one, which stays', async () => {
      const fresh = target('fresh')
      const repository = await make(fresh)
      expect(await repository.identity(never)).toBeUndefined()
      const id = await repository.initialise(never)
      expect(id).not.toBe('')
      expect(await repository.initialise(never)).toBe(id)
      expect(await repository.identity(never)).toBe(id)
      await put(repository, metaOf('one'), streamOf('dump', 'x'))
      expect(await (await make(fresh)).identity(never)).toBe(id)
      expect(await repository.list(never)).toHaveLength(1)
      expect(await collect(repository.check({ readData: true, signal: never }))).toEqual([])
    })

    test('all who give it an id at once get the same one, and another repository gets another one', async () => {
      const repository = await make(target('fresh'))
      const ids = await Promise.all(Array.from({ length: 8 }, () => repository.initialise(never)))
      expect(new Set(ids).size).toBe(1)
      mkdirSync(join(folder, 'other'))
      expect(await (await make(join(folder, 'other'))).initialise(never)).not.toBe(ids[0])
    })

    test('is held by one control plane of a project at a time, and keeps nobody from reading', async () => {
      if (!repository.hold) return
      const hold = async (state: string, project?: string) =>
        repository.hold?.({ state, project, host: 'machine' }, never)
      {
        using _first = await hold('a', 'shop')
        using _second = await hold('a', 'shop')
        using _other = await hold('b', 'mail')
        expect(await codeOf(hold('b', 'shop'))).toBe('BUSY')
        expect(await codeOf(hold('b'))).toBe('BUSY')
        await put(repository, metaOf('one'), streamOf('dump', 'x'))
        expect(await repository.list(never)).toHaveLength(1)
        expect(await collect(repository.check({ readData: true, signal: never }))).toEqual([])
      }
      using _next = await hold('b')
      expect(await codeOf(hold('a', 'shop'))).toBe('BUSY')
    })

    test('gives back meta, artifacts and every byte', async () => {
      const published = await put(
        repository,
        metaOf('one'),
        streamOf('dump', 'hello ', 'world'),
        treeOf('data', source),
      )
      expect(published).toMatchObject(metaOf('one'))
      expect(published.artifacts.map(({ kind, name: artifact }) => [kind, artifact])).toEqual([
        ['stream', 'dump'],
        ['tree', 'data'],
      ])
      expect(published.files).toBe(7)
      expect(published.artifacts[1]).toMatchObject({ entries: 6, contentBytes: 700_005, origin: '/data' })
      expect(await repository.list(never)).toEqual([published])

      expect((await buffer(await repository.open(published, 'dump', never))).toString()).toBe('hello world')
      const to = target('to')
      await repository.extract(published, 'data', to, { signal: never })
      expect(readdirSync(to, { recursive: true }).sort()).toEqual([
        'a.txt',
        'sub',
        'sub/b.bin',
        'sub/broken',
        'sub/empty',
      ])
      execFileSync('diff', ['-r', '--no-dereference', source, to])
      expect(await repository.verify(published, never)).toEqual([])
      expect(await collect(repository.check({ readData: true, signal: never }))).toEqual([])
    })

    test('counts the plain bytes that it takes in', async () => {
      let bytes = 0
      const count = (more: number) => {
        bytes += more
      }
      const staged = await repository.stage(metaOf('x'), each(streamOf('dump', 'hello')), {
        signal: never,
        onBytes: count,
      })
      expect(bytes).toBe(5)
      expect(staged.artifacts[0]?.bytes).toBe(5)
      await staged.discard()
    })

    test('a single file is a tree of one entry', async () => {
      const snapshot = await put(repository, metaOf('one'), treeOf('data', join(source, 'a.txt')))
      const to = target('to')
      await repository.extract(snapshot, 'data', to, { signal: never })
      expect(readFileSync(join(to, 'a.txt'), 'utf8')).toBe('alpha')
      expect(snapshot.files).toBe(1)
    })

    test('what is excluded is not kept', async () => {
      const snapshot = await put(repository, metaOf('one'), treeOf('data', source, ['sub/*.bin', 'a.txt']))
      const to = target('to')
      await repository.extract(snapshot, 'data', to, { signal: never })
      expect(readdirSync(to, { recursive: true }).sort()).toEqual(['sub', 'sub/broken', 'sub/empty'])
    })

    test('takes single paths out of a tree, and names a path that is not there', async () => {
      const snapshot = await put(repository, metaOf('one'), treeOf('data', source))
      const to = target('to')
      await repository.extract(snapshot, 'data', to, { signal: never, only: ['sub/b.bin'] })
      expect(readdirSync(to, { recursive: true }).sort()).toEqual(['sub', 'sub/b.bin'])
      const whole = target('whole')
      await repository.extract(snapshot, 'data', whole, { signal: never, only: ['./sub/'] })
      expect(readdirSync(whole, { recursive: true }).length).toBe(4)
      const missing = repository.extract(snapshot, 'data', target('no'), { signal: never, only: ['sub/b.bim'] })
      expect(await codeOf(missing)).toBe('NO_SUCH_SNAPSHOT')
    })

    test('lists the paths of a tree, and which of them share their content', async () => {
      linkSync(join(source, 'a.txt'), join(source, 'b.txt'))
      const snapshot = await put(repository, metaOf('one'), treeOf('data', source))
      const listed = await Array.fromAsync(repository.listTree(snapshot, 'data', never))
      expect(listed.map(({ path }) => path)).toEqual(
        expect.arrayContaining(['.', 'a.txt', 'b.txt', 'sub', 'sub/b.bin']),
      )
      const { mode, uid, gid, mtimeNs } = lstatSync(join(source, 'sub/broken'), { bigint: true })
      const owned = { uid: Number(uid), gid: Number(gid) }
      expect(listed[0]).toMatchObject({ path: '.', type: 'directory', size: 0, ...owned })
      expect(listed).toContainEqual(expect.objectContaining({ path: 'a.txt', type: 'file', size: 5 }))
      expect(listed).toContainEqual(expect.objectContaining({ path: 'b.txt', type: 'link', sharesWith: 'a.txt' }))
      const link = { type: 'symlink', mode: Number(mode & 0o7777n), size: 0, mtimeNs, linksTo: '/missing', ...owned }
      expect(listed).toContainEqual({ path: 'sub/broken', ...link })
      const paths = listed.map(({ path }) => path)
      expect(paths, 'names in order, each folder right before what it holds').toEqual(paths.toSorted(comparePaths))
    })

    test('proves the paths of a tree that were put back, and nothing beside them', async () => {
      const snapshot = await put(repository, metaOf('one'), treeOf('data', source))
      const to = target('to')
      let digest = ''
      const onPart = (found: string) => {
        digest = found
      }
      const only = ['sub/b.bin']
      await repository.extract(snapshot, 'data', to, { signal: never, only, onPart })
      writeFileSync(join(to, 'stray'), 'stray')
      const prove = () => repository.proveTree(snapshot, 'data', to, { signal: never, part: { only, digest } })
      expect(await prove()).toEqual({ expected: digest, actual: digest })
      writeFileSync(join(to, 'sub/b.bin'), 'other')
      expect((await prove()).actual).not.toBe(digest)
    })

    test('keeps single paths of a tree alone, as there or as missing, and proves them', async () => {
      const only = ['sub/b.bin', 'gone']
      const snapshot = await put(repository, metaOf('one'), { ...treeOf('data', source), only })
      expect(snapshot.artifacts).toMatchObject([{ only }])
      const listed = await Array.fromAsync(repository.listTree(snapshot, 'data', never))
      expect(listed.map(({ path }) => path)).toEqual(['.', 'sub', 'sub/b.bin'])
      const to = target('to')
      await repository.extract(snapshot, 'data', to, { signal: never })
      const prove = () => repository.proveTree(snapshot, 'data', to, { signal: never })
      const { expected, actual } = await prove()
      expect(actual).toBe(expected)
      writeFileSync(join(to, 'gone'), 'there')
      expect((await prove()).actual).not.toBe(expected)
    })

    describe('proveTree', () => {
      let once: string
      let restored: string
      let stored: { repository: Repository; snapshot: Snapshot }
      beforeAll(async () => {
        once = mkdtempSync(join(tmpdir(), 'repository-'))
        const [tree, place] = [join(once, 'source'), join(once, 'repository')]
        restored = join(once, 'restored')
        for (const made of [join(tree, 'sub/empty'), place, restored]) mkdirSync(made, { recursive: true })
        writeFileSync(join(tree, 'a.txt'), 'alpha')
        writeFileSync(join(tree, 'sub/b.bin'), Buffer.alloc(700_000, 'b'))
        symlinkSync('/missing', join(tree, 'sub/broken'))
        writeFileSync(join(tree, 'zeros'), Buffer.alloc(300_000))
        linkSync(join(tree, 'a.txt'), join(tree, 'sub/hard'))
        execFileSync('setfattr', ['-n', 'user.note', '-v', 'kept', join(tree, 'a.txt')])
        await prepare(place)
        const made = await make(place)
        const snapshot = await put(made, metaOf('one'), treeOf('data', tree, ['cache']))
        await made.extract(snapshot, 'data', restored, { signal: never })
        stored = { repository: made, snapshot }
      })
      afterAll(() => rmSync(once, { recursive: true, force: true }))

      /** Whether the restored tree is proven after `change` ran in it. Every case begins with a copy of it. */
      const isProven = async (change = '', skipDevices: string[] = []): Promise<boolean> => {
        const to = join(folder, 'to')
        execFileSync('cp', ['-a', restored, to])
        execFileSync('cp', ['-a', join(once, 'source'), join(folder, 'first')])
        execFileSync('sh', ['-ec', `touch -r . ../time\n${change}`], { cwd: to })
        const { snapshot } = stored
        const proof = await stored.repository.proveTree(snapshot, 'data', to, { signal: never, skipDevices })
        return proof.expected === proof.actual
      }

      test('proves a tree as it was restored', async () => {
        expect(await isProven()).toBe(true)
      })

      const same: [string, string][] = [
        ['holes where zeros were written', 'touch -r zeros ../z; fallocate --dig-holes zeros; touch -r ../z zeros'],
        ['what is excluded', 'mkdir cache; touch cache/file; touch -r ../time .'],
        ['a device that is to be skipped', 'mknod skipped b 259 70000; touch -r ../time .'],
      ]
      test.each(same)('does not mind %s', async (_case, change) => {
        expect(await isProven(change, ['skipped'])).toBe(true)
      })

      const differences: [string, string][] = [
        [
          'another byte',
          'touch -r sub/b.bin ../b; printf x | dd of=sub/b.bin conv=notrunc status=none; touch -r ../b sub/b.bin',
        ],
        ['another length', 'touch -r a.txt ../a; printf x >>a.txt; touch -r ../a a.txt'],
        ['another mode', 'chmod 600 a.txt'],
        ['another owner', 'chown 7 a.txt'],
        ['another group', 'chown :7 sub/empty'],
        ['another time, by a nanosecond', 'touch -d "@$(stat -c %.9Y a.txt | sed "s/[0-8]$/9/; t; s/9$/8/")" a.txt'],
        ['another attribute', 'setfattr -n user.note -v other a.txt'],
        ['an ACL', 'setfacl -m u:7:r a.txt'],
        [
          'another target of a symbolic link',
          'ln -sfnT /elsewhere sub/broken; touch -h -r ../first/sub/broken sub/broken; touch -r ../first/sub sub',
        ],
        [
          'a hard link that is a copy',
          'cp -p --remove-destination a.txt ../c; mv ../c sub/hard; touch -r ../first/sub sub',
        ],
        ['an entry more', 'touch new; touch -r ../time .'],
        ['an entry less', 'rmdir sub/empty; touch -r ../first/sub sub'],
        ['another name', 'mv a.txt b.txt; touch -r ../time .'],
        [
          'another type',
          'rmdir sub/empty; touch sub/empty; chmod 755 sub/empty; touch -r ../first/sub/empty sub/empty; touch -r ../first/sub sub',
        ],
        ['a file where a device would be skipped', 'touch skipped; touch -r ../time .'],
        ['another time of the root', 'touch .'],
      ]
      test.each(differences)('finds %s', async (_case, change) => {
        expect(await isProven(change, ['skipped'])).toBe(false)
      })

      test('proves a single file under any name', async () => {
        const snapshot = await put(repository, metaOf('one'), treeOf('data', join(source, 'a.txt')))
        const to = join(folder, 'other-name')
        execFileSync('cp', ['-a', join(source, 'a.txt'), to])
        const proof = await repository.proveTree(snapshot, 'data', to, { signal: never })
        expect(proof.actual).toBe(proof.expected)
      })
    })

    describe('prepare', () => {
      const onWarning = () => {}
      const prepare = async (tree: TreeArtifact) =>
        repository.prepare?.(metaOf('one'), [tree], { signal: never, onWarning })
      const store = async (id: string, tree: TreeArtifact, prepared: Awaited<ReturnType<typeof prepare>>) => {
        const options = { signal: never, ...(prepared && { prepared }) }
        const staged = await repository.stage(metaOf(id), each(tree), options)
        return staged.publish(metaOf(id), never)
      }
      const isWhole = async (snapshot: Snapshot, root: string): Promise<boolean> => {
        const { expected, actual } = await repository.proveTree(snapshot, 'data', root, { signal: never })
        return expected === actual
      }

      test('lets stage take a tree as it is then, with what changed since', async () => {
        const tree = treeOf('data', source, ['cache'])
        await using prepared = await prepare(tree)
        writeFileSync(join(source, 'a.txt'), 'changed')
        writeFileSync(join(source, 'new'), 'new')
        rmSync(join(source, 'sub/b.bin'))
        const snapshot = await store('one', tree, prepared)
        expect(await isWhole(snapshot, source)).toBe(true)
        const to = target('to')
        await repository.extract(snapshot, 'data', to, { signal: never })
        expect(readFileSync(join(to, 'a.txt'), 'utf8')).toBe('changed')
      })

      test('is not used for a tree that differs from the one that was prepared', async () => {
        await using prepared = await prepare(treeOf('data', join(source, 'sub')))
        expect(await isWhole(await store('one', treeOf('data', source), prepared), source)).toBe(true)
      })

      test('is refused for another target', async () => {
        await using prepared = await prepare(treeOf('data', source))
        if (!prepared) return
        const options = { signal: never, prepared }
        const other = { project: 'shop', target: 'other' }
        expect(await codeOf(repository.stage(other, each(treeOf('data', source)), options))).toBe('INTERNAL')
      })

      test('leaves nothing behind, used or not', async () => {
        {
          await using _unused = await prepare(treeOf('data', source))
        }
        expect(await repository.list(never)).toEqual([])
        expect(await collect(repository.check({ readData: true, signal: never }))).toEqual([])
      })
    })

    test('staged is not listed; discarded never was', async () => {
      const staged = await repository.stage(metaOf('one'), each(streamOf('dump', 'x')), { signal: never })
      expect(await repository.list(never)).toEqual([])
      await staged.discard()
      expect(await repository.list(never)).toEqual([])
      expect(await collect(repository.check({ readData: true, signal: never }))).toEqual([])
    })

    test('a sweep leaves the work of the living alone', async () => {
      const staged = await repository.stage(metaOf('one'), each(streamOf('dump', 'x')), { signal: never })
      await repository.sweep(never)
      const snapshot = await staged.publish(metaOf('one'), never)
      expect(await repository.verify(snapshot, never)).toEqual([])
    })

    test.each([
      ['a stream that fails half way', () => each(streamOf('dump', 'half', new Error('tool died')))],
      ['a source that fails between artifacts', () => each(streamOf('dump', 'x'), new Error('no more'))],
      ['a tree that is not there', () => each(treeOf('data', '/no/such/root'))],
      ['two artifacts of one name', () => each(streamOf('dump', 'x'), streamOf('dump', 'y'))],
    ])('%s leaves nothing behind', async (_case, artifacts) => {
      expect(await codeOf(repository.stage(metaOf('one'), artifacts(), { signal: never }))).not.toBe('no error')
      expect(await repository.list(never)).toEqual([])
      expect(await collect(repository.check({ readData: true, signal: never }))).toEqual([])
    })

    test('an abort in the middle is INTERRUPTED and leaves nothing behind', async () => {
      const controller = new AbortController()
      const endless: Artifact = {
        kind: 'stream',
        name: 'dump',
        open: async () => Readable.from(forever(() => controller.abort())),
      }
      expect(await codeOf(repository.stage(metaOf('one'), each(endless), { signal: controller.signal }))).toBe(
        'INTERRUPTED',
      )
      expect(await repository.list(never)).toEqual([])
    })

    test('lists all targets, oldest first', async () => {
      const times = { c: '2026-08-03T00:00:00.000Z', a: '2026-08-01T00:00:00.000Z', b: '2026-08-02T00:00:00.000Z' }
      for (const [id, time] of Object.entries(times)) {
        await put(
          repository,
          metaOf(id, { time, target: `target-${id}`, project: id === 'a' ? '' : 'Odd näme/..' }),
          streamOf('d', id),
        )
      }
      const listed = await repository.list(never)
      expect(listed.map(({ id, project }) => [id, project])).toEqual([
        ['a', ''],
        ['b', 'Odd näme/..'],
        ['c', 'Odd näme/..'],
      ])
    })

    test('removes what it is told to; a missing id is a success', async () => {
      await put(repository, metaOf('one'), streamOf('dump', 'x'))
      await put(repository, metaOf('two'), streamOf('dump', 'y'))
      await repository.remove(['one', 'gone'], never)
      expect((await repository.list(never)).map(({ id }) => id)).toEqual(['two'])
      await repository.remove(['one'], never)
      expect(await collect(repository.check({ readData: true, signal: never }))).toEqual([])
    })

    test('an artifact or a snapshot that is not there is an error', async () => {
      const snapshot = await put(repository, metaOf('one'), streamOf('dump', 'x'))
      expect(await codeOf(repository.open(snapshot, 'other', never))).toBe('NO_SUCH_SNAPSHOT')
      await repository.remove(['one'], never)
      expect(await repository.verify(snapshot, never)).not.toEqual([])
    })

    test('an empty stream and no artifact at all come back as they are', async () => {
      const empty = await put(repository, metaOf('one'), streamOf('dump'))
      expect((await buffer(await repository.open(empty, 'dump', never))).length).toBe(0)
      expect((await put(repository, metaOf('two'))).artifacts).toEqual([])
    })
  })
}

async function* forever(onTenth: () => void): AsyncGenerator<Buffer> {
  for (let count = 1; ; count++) {
    if (count === 10) onTenth()
    yield Buffer.alloc(65_536)
  }
}
