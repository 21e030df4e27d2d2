import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Repository, Snapshot } from '../../src/repository/repository.ts'
import { codeOf, metaOf, never, put, streamOf, treeOf } from './repository.ts'

/** Makes the two repositories of a pair in folders of their own. */
export interface CopyEnds {
  from(folder: string): Promise<Repository>
  to(folder: string, from: Repository): Promise<Repository>
}

/** What `copyFrom` keeps, whatever the two kinds are. `back`: whether copies are copied on, which is another way for kinds that are the same. */
export function copyContract(name: string, ends: CopyEnds, { back = false } = {}): void {
  describe(`copies from ${name}`, () => {
    let folder: string
    let source: string
    let from: Repository
    let to: Repository
    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'copies-'))
      source = join(folder, 'source')
      for (const made of ['source/sub/empty', 'from', 'to']) mkdirSync(join(folder, made), { recursive: true })
      writeFileSync(join(source, 'a.txt'), 'alpha')
      writeFileSync(join(source, 'sub/b.bin'), Buffer.alloc(700_000, 'b'))
      symlinkSync('/missing', join(source, 'sub/broken'))
      linkSync(join(source, 'a.txt'), join(source, 'sub/hard'))
      execFileSync('setfattr', ['-n', 'user.note', '-v', 'kept', join(source, 'a.txt')])
      execFileSync('chown', ['7:8', join(source, 'sub/b.bin')])
      from = await ends.from(join(folder, 'from'))
      to = await ends.to(join(folder, 'to'), from)
    })
    afterEach(() => rmSync(folder, { recursive: true, force: true }))

    const idsOf = async (repository: Repository) => (await repository.list(never)).map(({ id }) => id)
    const isDamaged = async (repository: Repository) =>
      (await Array.fromAsync(repository.check({ readData: true, signal: never }))).length > 0
    const isWhole = async (snapshot: Snapshot, artifact: string, root: string) => {
      const { expected, actual } = await to.proveTree(snapshot, artifact, root, { signal: never })
      return expected === actual
    }

    test('keep id, time, set, facts and every byte of dumps, trees, files and parts of trees', async () => {
      const meta = metaOf('one', { set: 'window', time: '2026-08-02T02:00:00.000Z', reason: 'change' })
      const stored = await put(
        from,
        meta,
        streamOf('dump', 'hello ', 'world'),
        streamOf('empty'),
        treeOf('data', source, ['cache']),
        treeOf('file', join(source, 'a.txt')),
        { ...treeOf('part', source), only: ['sub/b.bin', 'gone'] },
      )
      await to.copyFrom(from, [stored], { signal: never })
      const [copy, ...others] = await to.list(never)
      expect(others).toEqual([])
      expect(copy).toMatchObject(meta)
      const about = ({ artifacts }: Snapshot) => artifacts.map(({ stored: _stored, bytes: _bytes, ...known }) => known)
      expect(about(copy as Snapshot)).toEqual(about(stored))
      expect((await buffer(await to.open(copy as Snapshot, 'dump', never))).toString()).toBe('hello world')
      expect((await buffer(await to.open(copy as Snapshot, 'empty', never))).length).toBe(0)
      expect(await isWhole(copy as Snapshot, 'data', source)).toBe(true)
      expect(await isWhole(copy as Snapshot, 'file', join(source, 'a.txt'))).toBe(true)
      expect(await isWhole(copy as Snapshot, 'part', source)).toBe(true)
      expect(await to.verify(copy as Snapshot, never)).toEqual([])
      expect(await isDamaged(to)).toBe(false)
    })

    test('are told of one by one, leave alone what is there, and may be repeated', async () => {
      const stored = []
      for (const id of ['one', 'two']) stored.push(await put(from, metaOf(id), streamOf('dump', id)))
      await to.copyFrom(from, stored.slice(0, 1), { signal: never })
      const told: string[] = []
      const how = { signal: never, onCopied: ({ id }: Snapshot) => told.push(id) }
      await to.copyFrom(from, stored, how)
      await to.copyFrom(from, stored, how)
      expect(told).toEqual(['two'])
      expect((await idsOf(to)).sort()).toEqual(['one', 'two'])
      await to.remove(['two'], never)
      expect(await idsOf(from)).toHaveLength(2)
      await to.copyFrom(from, stored, how)
      expect(await idsOf(to)).toHaveLength(2)
      expect(await isDamaged(to)).toBe(false)
    })

    if (back)
      test('can be copied back, and on from there', async () => {
        const stored = await put(from, metaOf('one'), streamOf('dump', 'hello'), treeOf('data', source))
        await to.copyFrom(from, [stored], { signal: never })
        await from.remove(['one'], never)
        await from.copyFrom(to, await to.list(never), { signal: never })
        const [back] = await from.list(never)
        const { expected, actual } = await from.proveTree(back as Snapshot, 'data', source, { signal: never })
        expect(actual).toBe(expected)
        await to.remove(['one'], never)
        await to.copyFrom(from, [back as Snapshot], { signal: never })
        expect((await to.list(never)).map(({ id }) => id)).toEqual(['one'])
        expect(await isDamaged(to)).toBe(false)
      })

    test('that are aborted leave no snapshot, and the next one is whole', async () => {
      const stored = await put(from, metaOf('one'), treeOf('data', source))
      expect(await codeOf(to.copyFrom(from, [stored], { signal: AbortSignal.abort() }))).toBe('INTERRUPTED')
      const cut = AbortSignal.timeout(5)
      await to.copyFrom(from, [stored], { signal: cut }).catch(() => {})
      await to.sweep(never)
      const left = await idsOf(to)
      expect(left.length === 0 || !(await isDamaged(to))).toBe(true)
      await to.copyFrom(from, [stored], { signal: never })
      expect(await idsOf(to)).toEqual(['one'])
      expect(await isDamaged(to)).toBe(false)
    })
  })
}
