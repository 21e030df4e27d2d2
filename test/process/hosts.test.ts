import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openArchive } from '../../src/repository/archive.ts'
import type { Repository } from '../../src/repository/repository.ts'
import { metaOf, put, streamOf } from '../contract/repository.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { container, makeFolder, run, type Stage } from '../support/cli.ts'
import { backupShape, listShape, pruneShape } from '../support/json-shapes.ts'
import { openAt, resticPerTest } from '../support/restic.ts'

const never = new AbortController().signal

/** A host with the same service as the other one, its own data and its own state directory. */
function makeHost(host: string, local: Repository) {
  const folder = makeFolder()
  const data = join(folder, 'data')
  mkdirSync(data)
  writeFileSync(join(data, 'word'), host)
  const app = container('app', {
    labels: { 'xnai.backup.enable': 'true', 'xnai.backup.retention.local': 'last=1' },
    mounts: [{ kind: 'bind', source: data, destination: '/srv', writable: true }],
  })
  const engine = fakeEngine({ containers: [app] })
  const state = join(folder, 'state')
  const stage: Stage = { engine, local, clock: systemClock, state, host, environment: { XNAI_BACKUP_PROJECT: 'shop' } }
  const backUp = async (): Promise<string> => {
    const { json, exitCode, stderr } = await run(['backup', 'app', '--json'], stage)
    expect(exitCode, stderr).toBe(0)
    return backupShape.parse(json()).targets[0]?.snapshot ?? ''
  }
  const list = async (...args: string[]) => {
    const { json, exitCode, stderr } = await run(['list', ...args, '--json'], stage)
    expect(exitCode, stderr).toBe(0)
    return listShape.parse(json()).snapshots.map(({ id }) => id)
  }
  const prune = async () => {
    const { json, exitCode, stderr } = await run(['prune', '--json'], stage)
    expect(exitCode, stderr).toBe(0)
    const [pruned] = pruneShape.parse(json()).repositories
    return { keep: pruned?.keep ?? [], removed: pruned?.remove.map(({ id }) => id) }
  }
  return { data, state, stage, backUp, list, prune }
}

/** What two hosts that share a repository can rely on. */
function sharing(open: (host: string) => Repository): void {
  test('each lists its own and removes its own, at once too, and a reader is never kept waiting', async () => {
    const [a, b] = [makeHost('a', open('a')), makeHost('b', open('b'))]
    const [a1, b1] = await Promise.all([a.backUp(), b.backUp()])
    expect(await a.list()).toEqual([a1])
    expect(await b.list()).toEqual([b1])
    const a2 = await a.backUp()
    const reader = new AbortController()
    let readings = 0
    const reads = (async () => {
      while (!reader.signal.aborted) {
        await a.stage.local?.list(never)
        readings += 1
      }
    })()
    const [pruned, b2] = await Promise.all([a.prune(), b.backUp()])
    reader.abort()
    await reads
    expect(readings).toBeGreaterThan(0)
    expect(pruned.removed).toEqual([a1])
    expect(pruned.keep.map(({ id }) => id)).toEqual([a2])
    expect(await a.list()).toEqual([a2])
    expect((await b.list()).toSorted()).toEqual([b1, b2].toSorted())
    expect((await run(['check', '--read-data'], a.stage)).exitCode).toBe(0)
  })
}

describe('two hosts that share an archive', () => {
  let folder: string
  const open = (host: string) => {
    if (host === 'a') folder = makeFolder()
    return openArchive(folder, { host })
  }
  sharing(open)

  test('the sweep of one leaves what the other one is writing, though its lock looks as if nobody held it', async () => {
    const [a, b] = [open('a'), open('b')]
    const incoming = join(folder, '.incoming')
    for (const name of ['0123456789abcdef-b', '0123456789abcdef-a', 'fedcba9876543210'])
      mkdirSync(join(incoming, name), { recursive: true })
    await a.sweep(never)
    expect(readdirSync(incoming)).toEqual(['0123456789abcdef-b'])
    await b.sweep(never)
    expect(readdirSync(incoming)).toEqual([])
  })

  test('both hold it for the same project, and a second control plane of one of them does not', async () => {
    const repository = open('a')
    const hold = (state: string, host: string) => repository.hold?.({ state, host, project: 'shop' }, never)
    using _a = await hold('1', 'a')
    using _b = await hold('2', 'b')
    await expect(hold('3', 'b')).rejects.toMatchObject({ code: 'BUSY' })
  })

  test('a removal by id takes nothing of the other one', async () => {
    const [a, b] = [makeHost('a', open('a')), makeHost('b', open('b'))]
    await a.backUp()
    const id = await b.backUp()
    const answer = await run(['prune', '--unreadable', id, '--yes'], a.stage)
    expect(answer.exitCode).not.toBe(0)
    expect(await b.list()).toEqual([id])
  })

  test('one lists and restores what the other one stored, by the names that completion offers, and with a way back only', async () => {
    const [a, b] = [makeHost('a', open('a')), makeHost('b', open('b'))]
    await a.backUp()
    const id = await b.backUp()
    expect(await a.list('--host', 'b')).toEqual([id])
    const c = makeHost('c', open('c'))
    expect((await run(['doctor'], c.stage)).stdout).toMatch(
      /holds snapshots of\s+a, b\s+and\s+none\s+of\s+this\s+host,\s+c/,
    )
    for (const command of [['list'], ['status'], ['restore', 'app', '--yes']]) {
      const { stderr } = await run(command, c.stage)
      expect(stderr.replaceAll(/\s+/g, ' '), command[0]).toContain('a, b and none of this host, c hint: Where this')
    }
    expect((await run(['list'], a.stage)).stderr).toBe('')
    expect((await run(['__complete', 'list', '--host', ''], a.stage)).stdout.split('\n')).toEqual(['a', 'b', ''])
    const from = ['restore', 'app', '--from-host', 'b', '--yes']
    expect((await run([...from, '--no-safety'], a.stage)).exitCode).toBe(2)
    const { exitCode, stdout, stderr } = await run(from, a.stage)
    expect(exitCode, stdout + stderr).toBe(0)
    expect(readFileSync(join(a.data, 'word'), 'utf8')).toBe('b')
    expect(await b.list()).toEqual([id])
    expect(await a.list()).not.toContain(id)
  })

  test('damage of the other one is told by check, and is no problem of this one', async () => {
    const [a, b] = [makeHost('a', open('a')), makeHost('b', open('b'))]
    await a.backUp()
    const id = await b.backUp()
    const stored = readdirSync(join(folder, 'shop/app', id)).find((name) => name.endsWith('.zst')) ?? ''
    writeFileSync(join(folder, 'shop/app', id, stored), 'flipped')
    const check = await run(['check', '--read-data', '--json'], a.stage)
    expect(check.json()).toMatchObject({ outcome: 'failed', repositories: [{ damaged: [{ id, host: 'b' }] }] })
    expect((await run(['status'], a.stage)).exitCode).toBe(0)
    expect(await b.list()).toEqual([id])
  })

  test('what an older version stored is listed for both, and removed by none that has not used it then', async () => {
    const old = open('a')
    await put(old, metaOf('20260801T020000Z-aaaaaa', { target: 'app' }), streamOf('dump', 'x'))
    const a = makeHost('a', old)
    const id = await a.backUp()
    expect((await a.list()).toSorted()).toEqual(['20260801T020000Z-aaaaaa', id])
    const { keep, removed } = await a.prune()
    expect(removed).toEqual([])
    expect(keep[0]?.reasons.join()).toContain('names no host')
  })
})

test('what an older version stored is removed from the state directory that has used the repository then', async () => {
  const folder = makeFolder()
  const local = openArchive(folder)
  await put(local, metaOf('20260801T020000Z-aaaaaa', { target: 'app' }), streamOf('dump', 'x'))
  const a = makeHost('a', local)
  {
    using catalog = openCatalog(a.state)
    const { claimsOld } = catalog.host
    const host = { ...catalog.host, claimsOld: () => true }
    expect(claimsOld({ tier: 'local', url: local.url })).toBe(false)
    Object.assign(a.stage, { catalog: { ...catalog, host } })
    const id = await a.backUp()
    expect((await a.prune()).removed).toEqual(['20260801T020000Z-aaaaaa'])
    expect(await a.list()).toEqual([id])
  }
})

describe('two hosts that share a repository of restic', () => {
  const restic = resticPerTest()
  sharing((host) => openAt(restic.place, 'trixie', { home: `${restic.place}-${host}` }))

  test('the sweep of one leaves what the other one has stored and not published yet', async () => {
    const open = (host: string) => openAt(restic.place, 'trixie', { home: `${restic.place}-${host}` })
    const [a, b] = [makeHost('a', open('a')), makeHost('b', open('b'))]
    await a.backUp()
    await a.backUp()
    async function* artifacts() {
      yield streamOf('dump', 'bytes')
    }
    const staged = await (b.stage.local as Repository).stage(metaOf('one'), artifacts(), { signal: never })
    expect((await a.prune()).removed).toHaveLength(1)
    await a.stage.local?.sweep(never)
    const published = await staged.publish(metaOf('one', { host: 'b' }), never)
    expect(await b.stage.local?.verify(published, never)).toEqual([])
    expect(await b.list()).toEqual(['one'])
    expect(readFileSync(join(b.data, 'word'), 'utf8')).toBe('b')
  })
})
