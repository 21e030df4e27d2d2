import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runBackup } from '../../../src/job/backup.ts'
import { newId } from '../../../src/job/identify.ts'
import { removeUnpinned } from '../../../src/job/pins.ts'
import { recover } from '../../../src/job/recover.ts'
import { planRestore } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import { run } from '../../support/cli.ts'
import { enabled, failOnce, type JobStage, setJobStage } from './stage.ts'

const stageOf = () => setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files')] }])
const idsOf = async ({ local, signal }: JobStage) => (await local.list(signal)).map(({ id }) => id)

async function backUp({ parts, signal, targets }: JobStage): Promise<string> {
  const { targets: results } = await runBackup(parts, await targets(), { reason: 'manual' }, signal)
  return results[0]?.snapshot ?? 'none'
}

const plan = async ({ parts, signal, targets }: JobStage, more: { to?: string } = {}) =>
  await planRestore(parts, { targets: await targets(), at: 'latest', ...more }, signal)

test('a restore pins what it reads and its safety snapshot, until it ends', async () => {
  const stage = stageOf()
  const id = await backUp(stage)
  const pinned = new Set<string>()
  failOnce(stage, () => {
    for (const ref of stage.parts.catalog.pinned()) pinned.add(ref.id)
  })
  const { targets } = await runRestore(stage.parts, await plan(stage), { safety: true }, stage.signal)
  expect(targets).toMatchObject([{ outcome: 'failed', rolledBack: true }])
  expect(pinned).toEqual(new Set([id, targets[0]?.safetySnapshot]))
  expect(stage.parts.catalog.pinned()).toEqual([])
})

test('a safety snapshot is pinned before it is there', async () => {
  const stage = stageOf()
  await backUp(stage)
  const { local, parts, signal } = stage
  const kept: string[][] = []
  stage.local = {
    ...local,
    verify: async (snapshot, until) => {
      if (snapshot.reason === 'safety') kept.push(await removeUnpinned(parts, 'local', [snapshot.id], signal))
      return await local.verify(snapshot, until)
    },
  }
  await runRestore(parts, await plan(stage), { safety: true }, signal)
  expect(kept).toEqual([[]])
})

test.for([
  ['in place', undefined],
  ['beside the stack', 'beside'],
] as const)('a restore %s whose snapshot was removed meanwhile is refused, and touches nothing', async ([_, to]) => {
  const stage = stageOf()
  const id = await backUp(stage)
  const folder = to && join(stage.folder, to)
  const planned = await plan(stage, folder === undefined ? {} : { to: folder })
  expect(await removeUnpinned(stage.parts, 'local', [id], stage.signal)).toEqual([id])
  writeFileSync(join(stage.folder, 'files/word'), 'new')
  const { targets } = await runRestore(stage.parts, planned, { safety: true }, stage.signal)
  expect(targets).toMatchObject([{ outcome: 'failed', error: { code: 'NO_SUCH_SNAPSHOT' } }])
  expect(await idsOf(stage)).toEqual([])
  if (folder !== undefined) expect(existsSync(folder)).toBe(false)
  expect(await stage.states()).toEqual({ app: 'running' })
})

test('what still stands in the listing was not removed, whatever the repository says', async () => {
  const stage = stageOf()
  const id = await backUp(stage)
  stage.local = { ...stage.local, remove: async () => {} }
  await expect(removeUnpinned(stage.parts, 'local', [id], stage.signal)).rejects.toMatchObject({
    code: 'REPOSITORY_FAILED',
  })
  expect(await idsOf(stage)).toEqual([id])
})

test('what is gone already counts as removed', async () => {
  const stage = stageOf()
  const id = newId(new Date())
  expect(await removeUnpinned(stage.parts, 'local', [id], stage.signal)).toEqual([id])
})

test('what was imported stays as long as its restore, which has no way back, is not finished', async () => {
  const stage = stageOf()
  const from = join(stage.folder, 'from')
  mkdirSync(from)
  writeFileSync(join(from, 'word'), 'imported')
  const { local, parts } = stage
  const interrupt = new AbortController()
  stage.local = {
    ...local,
    extract: async (...call) => {
      await local.extract(...call)
      interrupt.abort(new Error('Ctrl-C'))
      throw interrupt.signal.reason
    },
  }
  const how = { ...parts, local: stage.local, signal: interrupt.signal }
  await run(['restore', 'app', '--from', from, '--no-safety', '--yes'], how)
  const [intent] = parts.catalog.intents()
  expect(intent).toMatchObject({ kind: 'roll-back', snapshot: { id: (await idsOf(stage))[0] } })

  stage.local = local
  expect((await recover(parts, stage.signal)).problems).toEqual([])
  expect(readFileSync(join(stage.folder, 'files/word'), 'utf8')).toBe('imported')
})
