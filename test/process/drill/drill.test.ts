import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runDrills } from '../../../src/drill/run.ts'
import { BackupError } from '../../../src/errors.ts'
import { runBackup } from '../../../src/job/backup.ts'
import { proofsFor } from '../../../src/job/proofs.ts'
import { recover } from '../../../src/job/recover.ts'
import { sweepScratch } from '../../../src/job/scratch.ts'
import { scratchLabels, scratchName } from '../../../src/labels/scratch.ts'
import type { FakeCommand } from '../../fakes/engine.ts'
import { forgeSnapshot } from '../../support/forge-snapshot.ts'
import { enabled, type JobStage, setJobStage } from '../job/stage.ts'

const backup = async (stage: JobStage) =>
  runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)

const snapshotsOf = ({ targets }: Awaited<ReturnType<typeof backup>>) => targets.map(({ snapshot }) => snapshot ?? '')

async function drill(stage: JobStage, signal = stage.signal) {
  const { targets } = await runDrills(stage.parts, await stage.targets(), { trigger: 'manual' }, signal)
  return targets
}

/** Every act of the engine on a container, volume or network that no drill made. */
const actsOnOthers = ({ parts }: JobStage, since: number) =>
  parts.engine.journal.slice(since).filter((act) => !act.includes('xnai-scratch-'))

async function expectNothingLeft(stage: JobStage): Promise<void> {
  expect(await stage.parts.engine.listScratch(stage.signal)).toEqual([])
  const volumes = join(stage.folder, 'volumes')
  expect(existsSync(volumes) ? readdirSync(volumes) : []).toEqual([])
  expect(stage.parts.catalog.claimOrphans()).toEqual([])
}

const oneService = (labels: Record<string, string> = {}, commands: FakeCommand[] = []) =>
  setJobStage(({ data }) => [{ name: 'app', labels: enabled(labels), mounts: [data('files')] }], { commands })

/** `true` and `false` in any container. */
const trueAndFalse: FakeCommand = ({ request }) => {
  const [program] = request.command
  return program === 'true' || program === 'false' ? { exitCode: program === 'true' ? 0 : 1 } : undefined
}

describe('the drill of a target of files', () => {
  test('proves the restored tree, remembers it, and touches nothing of the stack (P14)', async () => {
    const stage = oneService()
    await backup(stage)
    const before = stage.parts.engine.journal.length
    const [result] = await drill(stage)
    expect(result).toMatchObject({
      ...{ outcome: 'complete', verdict: 'verified', rtoSeconds: 7200, rtoMet: true, tier: 'local' },
      notTested: ['the service was not started: it has neither verify.exec nor verify.http'],
    })
    expect(result?.checks.map(({ name, state }) => [name, state])).toEqual([
      ['stored bytes', 'ok'],
      ['restore', 'ok'],
      ['/data as it was packed', 'ok'],
    ])
    expect(actsOnOthers(stage, before)).toEqual([])
    expect(readFileSync(join(stage.folder, 'files/word'), 'utf8')).toBe('files')
    await expectNothingLeft(stage)
    const proofs = proofsFor(stage.parts.catalog, { project: 'shop', target: 'app' })
    expect([...proofs.keys()]).toEqual([result?.snapshot])
  })

  test('starts the service where a label is to be asked, and does not where none is', async () => {
    const stage = oneService({ 'verify.exec': '["true"]' }, [trueAndFalse])
    await backup(stage)
    const before = stage.parts.engine.journal.length
    const [result] = await drill(stage)
    expect(result).toMatchObject({ verdict: 'verified', notTested: [] })
    expect(result?.checks.slice(-2).map(({ name, state }) => [name, state])).toEqual([
      ['start', 'ok'],
      ['verify.exec', 'ok'],
    ])
    expect(actsOnOthers(stage, before)).toEqual([])
    await expectNothingLeft(stage)
  })

  test('fails by the check that differs, and names what was not run', async () => {
    const stage = oneService({ 'verify.exec': '["true"]' }, [trueAndFalse])
    await backup(stage)
    const { local } = stage
    stage.local = {
      ...local,
      extract: async (snapshot, artifact, to, options) => {
        await local.extract(snapshot, artifact, to, options)
        writeFileSync(join(to, 'word'), 'fileS')
      },
    }
    const [result] = await drill(stage)
    expect(result).toMatchObject({
      outcome: 'failed',
      verdict: 'failed',
      rtoMet: null,
      error: { code: 'PROOF_FAILED' },
    })
    expect(result?.checks.map(({ name, state }) => [name, state])).toEqual([
      ['stored bytes', 'ok'],
      ['restore', 'ok'],
      ['/data as it was packed', 'failed'],
      ['start', 'not run'],
      ['verify.exec', 'not run'],
    ])
    await expectNothingLeft(stage)
    expect(proofsFor(stage.parts.catalog, { project: 'shop', target: 'app' }).size).toBe(0)
  })

  test('fails on one changed byte behind a manifest and sums that were rewritten', async () => {
    const stage = oneService({ 'verify.exec': '["true"]' }, [trueAndFalse])
    const [said = ''] = snapshotsOf(await backup(stage))
    writeFileSync(join(stage.folder, 'files/word'), 'fileS')
    const [held = ''] = snapshotsOf(await backup(stage))
    forgeSnapshot(join(stage.folder, 'backups'), { said, held })
    const [result] = await drill(stage)
    expect(result).toMatchObject({ verdict: 'failed', error: { code: 'SNAPSHOT_DAMAGED' } })
    expect(result?.checks.map(({ name, state }) => [name, state])).toEqual([
      ['stored bytes', 'ok'],
      ['restore', 'failed'],
      ['facts', 'not run'],
      ['start', 'not run'],
      ['verify.exec', 'not run'],
    ])
    expect(result?.checks[1]?.actual).toMatch(/data\.tar\.zst: its content is not what was backed up$/)
    await expectNothingLeft(stage)
  })

  test('fails by verify.exec that exits with another code', async () => {
    const stage = oneService({ 'verify.exec': '["false"]', 'start-timeout': '1s' }, [trueAndFalse])
    await backup(stage)
    const [result] = await drill(stage)
    expect(result).toMatchObject({ verdict: 'failed', error: { message: expect.stringContaining('verify.exec') } })
    expect(result?.checks.at(-1)).toMatchObject({ name: 'verify.exec', actual: 'exit code 1', state: 'failed' })
    await expectNothingLeft(stage)
  })

  test('fails on a stored byte that is not what was stored, before anything is made', async () => {
    const stage = oneService()
    await backup(stage)
    const { local } = stage
    const damage = { id: '', project: 'shop', target: 'app', file: 'data.tar.zst', reason: 'another SHA-256' }
    stage.local = { ...local, verify: async () => [damage] }
    const before = stage.parts.engine.journal.length
    const [result] = await drill(stage)
    expect(result).toMatchObject({ verdict: 'failed', checks: [{ name: 'stored bytes', state: 'failed' }] })
    expect(stage.parts.engine.journal.slice(before)).toEqual([])
  })
})

/** A flat index of FAISS 1.11 with 300 vectors of dimension 16. */
const index = Buffer.concat([
  Buffer.from('IxF2'),
  Buffer.from('100000002c01000000000000000010000000000000001000000000000101000000c0120000', 'hex'),
  Buffer.alloc(19_245),
]).subarray(0, 19_245)

test('the drill of an index fails where it holds another number of vectors than was recorded', async () => {
  const stage = oneService()
  writeFileSync(join(stage.folder, 'files/index.faiss'), index)
  await backup(stage)
  const { local } = stage
  const name = 'faiss /data/index.faiss'
  expect((await drill(stage))[0]?.checks.at(-1)).toMatchObject({
    ...{ name: '/data/index.faiss index', actual: '300 vectors of dimension 16', state: 'ok' },
  })
  const rewritten = async () =>
    (await local.list(stage.signal)).map((one) => {
      const recorded = one.facts[name] as Record<string, number>
      return { ...one, facts: { ...one.facts, [name]: { ...recorded, ntotal: 301 } } }
    })
  stage.local = { ...local, list: rewritten }
  const [result] = await drill(stage)
  expect(result).toMatchObject({ verdict: 'failed' })
  expect(result?.checks.filter(({ state }) => state === 'failed')).toMatchObject([
    { name: '/data/index.faiss index', expected: '301 vectors of dimension 16', actual: '300 vectors of dimension 16' },
  ])
})

describe('a drill that could not run', () => {
  test('because the image is gone never counts as passed', async () => {
    const imageId = `sha256:${'e'.repeat(64)}`
    const stage = setJobStage(
      ({ data }) => [{ name: 'app', imageId, labels: enabled({ 'verify.exec': '["true"]' }), mounts: [data('files')] }],
      { missingImages: [imageId], commands: [trueAndFalse] },
    )
    await backup(stage)
    const [result] = await drill(stage)
    expect(result).toMatchObject({ outcome: 'failed', verdict: 'could not run', error: { code: 'IMAGE_GONE' } })
    expect(result?.checks.at(-1)).toMatchObject({ name: 'scratch container', state: 'failed' })
    await expectNothingLeft(stage)
  })

  test('because there is no snapshot says so, and keeps no other from being drilled', async () => {
    const stage = setJobStage(({ data }) => [
      { name: 'app', labels: enabled(), mounts: [data('files')] },
      { name: 'web', labels: enabled(), mounts: [data('web')] },
    ])
    const [app] = await stage.targets()
    await runBackup(stage.parts, app ? [app] : [], { reason: 'manual' }, stage.signal)
    const results = await drill(stage)
    const words = Object.fromEntries(results.map(({ target, verdict, error }) => [target, [verdict, error?.code]]))
    expect(words).toEqual({ app: ['verified', undefined], web: ['could not run', 'NO_SUCH_SNAPSHOT'] })
  })

  test('because it was interrupted leaves nothing', async () => {
    const stage = oneService()
    await backup(stage)
    const interruption = new AbortController()
    const { local } = stage
    stage.local = {
      ...local,
      extract: async (...call) => {
        interruption.abort(new BackupError('INTERRUPTED', 'interrupted by SIGTERM'))
        await local.extract(...call)
      },
    }
    const [result] = await drill(stage, interruption.signal)
    expect(result).toMatchObject({ verdict: 'could not run', error: { code: 'INTERRUPTED' } })
    await expectNothingLeft(stage)
  })
})

describe('verify.http in a drill', () => {
  async function serve(listener: RequestListener): Promise<number> {
    const server = createServer(listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return (server.address() as AddressInfo).port
  }

  test('asks the scratch container alone, and follows a redirect to the same service', async () => {
    const asked: string[] = []
    const port = await serve(({ url, headers }, response) => {
      asked.push(`${headers.host} ${url}`)
      if (url === '/') response.writeHead(302, { location: '/ready?now' })
      response.end()
    })
    const stage = oneService({ 'verify.http': `http://app:${port}/` })
    await backup(stage)
    const [result] = await drill(stage)
    expect(result).toMatchObject({ verdict: 'verified' })
    expect(result?.checks.at(-1)).toMatchObject({ name: 'verify.http', actual: '200', state: 'ok' })
    expect(asked).toEqual([`app:${port} /`, `app:${port} /ready?now`])
  })

  test('does not follow a redirect to another host', async () => {
    const port = await serve((_request, response) => response.writeHead(302, { location: 'http://shop/' }).end())
    const stage = oneService({ 'verify.http': `http://app:${port}/`, 'start-timeout': '1s' })
    await backup(stage)
    const [result] = await drill(stage)
    expect(result?.checks.at(-1)).toMatchObject({ state: 'failed', actual: expect.stringContaining('another host') })
  })

  test('is not run where it means another container of the stack', async () => {
    const stage = setJobStage(({ data }) => [
      { name: 'app', labels: enabled({ 'verify.http': 'http://web:80/' }), mounts: [data('files')] },
      { name: 'web' },
    ])
    await backup(stage)
    const [result] = await drill(stage)
    expect(result).toMatchObject({ verdict: 'verified' })
    expect(result?.checks.at(-1)).toMatchObject({ name: 'verify.http', state: 'not run' })
  })
})

describe('the targets of a group', () => {
  test('are drilled together on one network, dependencies first', async () => {
    const commands = [trueAndFalse]
    const labels = enabled({ group: 'all', 'verify.exec': '["true"]' })
    const stage = setJobStage(
      ({ data }) => [
        { name: 'app', labels, mounts: [data('files')], dependsOn: ['db'] },
        { name: 'db', labels, mounts: [data('rows')] },
      ],
      { commands },
    )
    await backup(stage)
    const before = stage.parts.engine.journal.length
    const results = await drill(stage)
    expect(results.map(({ target, verdict }) => [target, verdict])).toEqual([
      ['db', 'verified'],
      ['app', 'verified'],
    ])
    const created = stage.parts.engine.journal.slice(before).filter((act) => act.startsWith('create'))
    expect(created.map((act) => act.split(' ')[1])).toEqual(['network', 'volume', 'container', 'container'])
    await expectNothingLeft(stage)
  })
})

describe('what a drill made', () => {
  test('and could not remove is removed by the next recovery', async () => {
    const stage = oneService()
    await backup(stage)
    const { engine } = stage.parts
    const { removeScratch } = engine
    engine.removeScratch = () => Promise.reject(new BackupError('ENGINE_UNREACHABLE', 'the engine is away'))
    const [result] = await drill(stage)
    expect(result).toMatchObject({ verdict: 'verified', warnings: [expect.stringContaining('could not be removed')] })
    expect(await engine.listScratch(stage.signal)).not.toEqual([])
    engine.removeScratch = removeScratch
    await recover(stage.parts, stage.signal)
    await expectNothingLeft(stage)
  })

  test('is swept where no live run owns it, and that of another state directory when its time is over', async () => {
    const stage = oneService()
    const { engine, catalog } = stage.parts
    const make = async (run: string, state: string, until: string) =>
      await engine.createNetwork(scratchName(run, 'network'), scratchLabels({ run, state, until }), stage.signal)
    const [past, future] = ['2020-01-01T00:00:00.000Z', '2999-01-01T00:00:00.000Z'] as [string, string]
    await make('dead', catalog.state, future)
    await make('alive', catalog.state, past)
    await make('theirs', 'other', future)
    await make('forgotten', 'other', past)
    using _run = catalog.lock([{ kind: 'drill', name: 'shop/app' }], 'alive')
    await sweepScratch(stage.parts, stage.signal)
    const left = (await engine.listScratch(stage.signal)).map(({ name }) => name)
    expect(left).toEqual([scratchName('alive', 'network'), scratchName('theirs', 'network')])
  })
})
