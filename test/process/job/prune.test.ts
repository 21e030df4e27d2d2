import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { pruneLock, targetLock } from '../../../src/catalog/keys.ts'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import { runBackup } from '../../../src/job/backup.ts'
import { type PruneRequest, prune } from '../../../src/job/prune.ts'
import { openArchive } from '../../../src/repository/archive.ts'
import { enabled, type JobStage, setJobStage } from './stage.ts'

const whole: PruneRequest = { tiers: ['local'], all: false, dryRun: false }
const busy = expect.objectContaining({ code: 'BUSY' })

/** Three backups, of which the policy keeps the last one. */
async function stageOf(labels: Record<string, string> = { 'retention.local': 'last=1' }) {
  const stage = setJobStage(({ data }) => [{ name: 'app', labels: enabled(labels), mounts: [data('files')] }])
  const ids = [await backUp(stage), await backUp(stage), await backUp(stage)]
  return Object.assign(stage, { ids })
}

async function backUp({ parts, signal, targets }: JobStage): Promise<string> {
  const { targets: results } = await runBackup(parts, await targets(), { reason: 'manual' }, signal)
  return results[0]?.snapshot ?? 'none'
}

const idsOf = async ({ local, signal }: JobStage) => (await local.list(signal)).map(({ id }) => id).sort()
const run = ({ parts, signal }: JobStage, more: Partial<PruneRequest> = {}) =>
  prune(parts, { ...whole, ...more }, signal)

test('what is removed is gone from the disk and from the cache of the catalog', async () => {
  const stage = await stageOf()
  stage.local = openArchive(join(stage.folder, 'backups'), { manifests: stage.parts.catalog.manifests })
  const [pruned] = await run(stage)
  expect(pruned?.remove).toHaveLength(2)
  const left = await idsOf(stage)
  expect(left).toHaveLength(1)
  expect(readdirSync(join(stage.folder, 'backups/shop/app'))).toEqual(left)
  expect(readdirSync(join(stage.folder, 'backups/.incoming'))).toEqual([])
  const cached = [...stage.parts.catalog.manifests.read(stage.local.url).values()].map(({ snapshot }) => snapshot.id)
  expect(cached.filter((id) => !left.includes(id))).toEqual([])
})

describe('what is pinned', () => {
  test('stays, and is told as in use', async () => {
    const stage = await stageOf()
    const [first = '', second] = stage.ids
    using _pin = stage.parts.catalog.pin([{ tier: 'local', id: first }])
    const [pruned] = await run(stage)
    expect(pruned?.remove.map(({ snapshot }) => snapshot.id)).toEqual([second])
    expect(pruned?.keep.find(({ snapshot }) => snapshot.id === first)?.reasons).toEqual(['in use'])
  })

  test('after the decision stays too', async () => {
    const stage = await stageOf()
    const { local, parts } = stage
    using pins = new DisposableStack()
    let isFirst = true
    const list: typeof local.list = async (...call) => {
      const found = await local.list(...call)
      // A restore that begins in the moment after the snapshots were listed.
      if (isFirst) pins.use(parts.catalog.pin(found.map(({ id }) => ({ tier: 'local', id }))))
      isFirst = false
      return found
    }
    stage.local = { ...local, list }
    const { takeForRemoval, pinned } = parts.catalog
    parts.catalog = { ...parts.catalog, takeForRemoval, pinned: () => [] }
    expect((await run(stage))[0]?.remove).toEqual([])
    parts.catalog = { ...parts.catalog, pinned }
    expect(await idsOf(stage)).toHaveLength(3)
  })
})

describe('nothing is removed', () => {
  test('while another process prunes', async () => {
    const stage = await stageOf()
    using _other = stage.parts.catalog.lock([pruneLock], 'other')
    await expect(run(stage)).rejects.toEqual(busy)
    expect((await run(stage, { dryRun: true }))[0]?.remove).toHaveLength(2)
    expect(await idsOf(stage)).toHaveLength(3)
  })

  test('while another control plane has the repository', async () => {
    const stage = await stageOf()
    using catalog = openCatalog(join(stage.folder, 'other'))
    using _held = await stage.local.hold?.({ state: catalog.state, project: undefined, host: 'machine' }, stage.signal)
    const parts = { ...stage.parts, catalog: { ...stage.parts.catalog, state: 'a-third-one' } }
    await expect(prune(parts, whole, stage.signal)).rejects.toEqual(busy)
    expect(await idsOf(stage)).toHaveLength(3)
  })

  test('when the containers cannot be listed', async () => {
    const stage = await stageOf()
    const { list } = stage.parts.engine
    stage.parts.engine.list = async () => {
      throw new Error('no engine')
    }
    await expect(run(stage)).rejects.toThrow('no engine')
    stage.parts.engine.list = list
    expect(await idsOf(stage)).toHaveLength(3)
  })

  test('of a target whose labels broke, or are gone, or that has another name now', async () => {
    const stage = await stageOf()
    const relabel = (labels: Record<string, string>) => {
      const { list } = stage.parts.engine
      stage.parts.engine.list = async (signal) => (await list(signal)).map((one) => ({ ...one, labels }))
    }
    for (const labels of [enabled({ 'retention.local': 'last=one' }), {}, enabled({ name: 'renamed' })]) {
      relabel(labels)
      expect((await run(stage))[0]?.remove).toEqual([])
    }
    relabel(enabled({ 'retention.local': 'last=1', method: 'sqlite', paths: '/data/word' }))
    expect((await run(stage))[0]?.remove, 'with another method and path it is the same target').toHaveLength(2)
  })

  test('once the signal is aborted', async () => {
    const stage = await stageOf()
    await expect(prune(stage.parts, whole, AbortSignal.abort())).rejects.toThrow()
    expect(await idsOf(stage)).toHaveLength(3)
  })
})

test('--all of a target waits for no run on it, and is busy', async () => {
  const stage = await stageOf()
  stage.parts.engine.remove('app')
  using _run = stage.parts.catalog.lock([targetLock('shop', 'app')], 'restore')
  await expect(run(stage, { target: { project: 'shop', name: 'app' }, all: true })).rejects.toEqual(busy)
})

test('one snapshot that cannot be removed keeps no other one from going', async () => {
  const stage = await stageOf()
  const folder = join(stage.folder, 'backups/shop/app', stage.ids[0] as string)
  execFileSync('mount', ['--bind', folder, folder])
  onTestFinished(() => void execFileSync('umount', [folder]))
  const [pruned] = await run(stage)
  expect(pruned?.error?.message).toContain('EBUSY')
  expect(pruned?.remove.map(({ snapshot }) => snapshot.id)).toEqual([stage.ids[1]])
  expect(await idsOf(stage)).toEqual([stage.ids[0], stage.ids[2]].sort())
})
