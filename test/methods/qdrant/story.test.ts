import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, servicesImage } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import { type Content, oddPath } from '../../fakes/qdrant-client.ts'
import { backedUp, openStory } from '../../support/story.ts'
import { awaitReady, chooseSource, type Instance, startQdrant } from './server.ts'

const wrongKey = newSecret('wrong')
const story = await openStory('qdrant')
const { lab } = story
const source = await chooseSource(lab)
afterAll(() => story[Symbol.asyncDispose]())

const labels = (more: Record<string, string> = {}) => backedUp('qdrant', { 'start-timeout': '60s', ...more })
const pointCount = 5000

describe(`qdrant, on ${source.name}`, { timeout: 600_000 }, () => {
  let qdrant: Instance
  let before: Content

  beforeAll(async () => {
    qdrant = await startQdrant(lab, source, { name: 'qdrant', labels: labels() })
    await awaitReady(qdrant)
    await (await qdrant.client()).fill(pointCount)
    before = await contentOf(qdrant)
    expect(before.collections.find(({ name }) => name === 'docs')?.points).toHaveLength(pointCount)
  })

  test('every point, setting, index and alias comes back', async () => {
    await story.backUp('qdrant')
    expect(await contentOf(qdrant)).toEqual(before)
    await damage(qdrant)
    const { checks } = await story.restore('qdrant')
    expect(checks).toContainEqual({
      name: 'points of docs',
      expected: `${pointCount}`,
      actual: `${pointCount}`,
      ok: true,
    })
    expect(await contentOf(qdrant)).toEqual(before)
    await expectNothingLeft(qdrant)
  })

  test('into an empty server', async () => {
    await story.backUp('qdrant')
    await lab.podman(['rm', '--force', '--time', '1', qdrant.container.name])
    await lab.podman(['volume', 'rm', `${lab.project}-qdrant`])
    qdrant = await startQdrant(lab, source, { name: 'qdrant', labels: labels() })
    await awaitReady(qdrant)
    await story.restore('qdrant')
    expect(await contentOf(qdrant)).toEqual(before)
    await expectNothingLeft(qdrant)
  })

  test('written meanwhile: the count lies between those of before and after', async () => {
    const client = await qdrant.client()
    const writer = new AbortController()
    const written: number[] = []
    const writing = (async () => {
      for (let id = 100_000; !writer.signal.aborted; id += 10) {
        const ids = Array.from({ length: 10 }, (_, n) => id + n)
        const points = ids.map((id) => ({ id, vector: { text: [id, 1, 1, 1] }, payload: {} }))
        await client.call('PUT', '/collections/docs/points?wait=true', { points })
        written.push(...ids)
      }
    })()
    const id = await story.backUp('qdrant').finally(() => writer.abort())
    await writing
    const { checks } = await story.restore('qdrant', '--at', id)
    expect(checks).toContainEqual(expect.objectContaining({ name: 'points of docs', ok: true }))
    await client.call('POST', '/collections/docs/points/delete?wait=true', { points: written })
    expect(await contentOf(qdrant)).toEqual(before)
  })

  // A killed server may leave the old state, a mix of both, or storage with which it does not start again.
  test.each(source.isReal ? [0, 150, 400] : [150])(
    'the server killed %i ms into the last step: the state before',
    async (delay) => {
      await story.backUp('qdrant')
      await damage(qdrant)
      const damaged = await contentOf(qdrant)
      const restoring = story.call(['restore', 'qdrant', '--yes'])
      await awaitLastStep(qdrant)
      await sleep(delay)
      await lab.podman(['kill', '--signal', 'KILL', qdrant.container.name])
      const { json, stderr } = await restoring
      expect(json, stderr).toMatchObject({ outcome: 'failed', targets: [{ target: 'qdrant', rolledBack: true }] })
      expect(await contentOf(qdrant)).toEqual(damaged)
      await story.call(['list'])
      await expectNothingLeft(qdrant)
      await story.restore('qdrant')
      expect(await contentOf(qdrant)).toEqual(before)
    },
  )

  test('storage with which the server does not start', async () => {
    await story.backUp('qdrant')
    await lab.podman(['stop', '--time', '5', qdrant.container.name])
    const { Mounts } = await lab.inspect(qdrant.container.name)
    const storage = Mounts.find(({ Destination }) => Destination === '/qdrant/storage')?.Source ?? ''
    await source.damageStorage(join(storage, 'collections/docs'))
    await story.restore('qdrant', '--no-safety')
    // It was stopped before, and is again.
    await lab.podman(['start', qdrant.container.name])
    await awaitReady(qdrant)
    expect(await contentOf(qdrant)).toEqual(before)
    await expectNothingLeft(qdrant)
    expect((await readdir(storage)).filter((name) => name.startsWith('xnai-'))).toEqual([])
  })

  test('the product killed in the last step: the state before, by the next command', async () => {
    await story.backUp('qdrant')
    await damage(qdrant)
    const damaged = await contentOf(qdrant)
    const product = startProduct(['restore', 'qdrant', '--yes'])
    await awaitLastStep(qdrant)
    product.kill('SIGKILL')
    await once(product, 'exit')
    const { stderr } = await story.call(['list'])
    expect(stderr).toContain('finish the restore of')
    expect(await contentOf(qdrant)).toEqual(damaged)
    await expectNothingLeft(qdrant)
    await story.restore('qdrant')
    expect(await contentOf(qdrant)).toEqual(before)
  })

  test('the product killed in a backup: its snapshot goes from the server', async () => {
    const client = await qdrant.client()
    let product = startProduct(['backup', 'qdrant'])
    // The snapshot is there for some milliseconds only: one that was quicker than the look is made again.
    while ((await client.files()).length === 0) {
      if (product.exitCode !== null) product = startProduct(['backup', 'qdrant'])
    }
    product.kill('SIGKILL')
    if (product.exitCode === null) await once(product, 'exit')
    await story.call(['list'])
    await expectNothingLeft(qdrant)
  })

  test('only the named collections, and a name that is not there', async () => {
    const named = await startQdrant(lab, source, { name: 'named', labels: labels({ 'qdrant.collections': 'docs' }) })
    await awaitReady(named)
    await (await named.client()).fill(20)
    const content = await contentOf(named)
    await story.backUp('named')
    await (await named.client()).call('POST', '/collections/docs/points/delete?wait=true', { points: [1] })
    await story.restore('named')
    expect(await contentOf(named)).toEqual(content)
    await (await named.client()).call('DELETE', '/collections/docs')
    const { json } = await story.call(['backup', 'named'])
    expect(json.targets[0].error).toMatchObject({ code: 'DUMP_FAILED', hint: 'There are: My notes ü.' })
  })

  test('a wrong key is AUTH_FAILED, a stopped server SERVICE_DOWN', async () => {
    const keyed = await startQdrant(lab, source, {
      name: 'keyed',
      labels: labels({ 'qdrant.api-key-env': 'OTHER_KEY' }),
      env: { OTHER_KEY: wrongKey },
    })
    await awaitReady(keyed)
    const wrong = await story.call(['backup', 'keyed'])
    expect(wrong).toMatchObject({ exitCode: 1, json: { targets: [{ error: { code: 'AUTH_FAILED' } }] } })
    await lab.podman(['stop', '--time', '5', keyed.container.name])
    const down = await story.call(['backup', 'keyed'])
    expect(down).toMatchObject({ exitCode: 1, json: { targets: [{ error: { code: 'SERVICE_DOWN' } }] } })
  })

  if (source.isReal) {
    test('over TLS', async () => {
      const plain = await startQdrant(lab, source, { name: 'tls' })
      await awaitReady(plain)
      await (await plain.client()).fill(20)
      await lab.podman(['rm', '--force', '--time', '5', plain.container.name])
      const tls = join(lab.dir, 'files', 'tls')
      await mkdir(tls, { recursive: true })
      const make = 'req -x509 -newkey rsa:2048 -nodes -keyout /tls/key -out /tls/cert -days 2 -subj /CN=qdrant.example'
      await lab.podman(['run', '--rm', '--volume', `${tls}:/tls`, servicesImage, 'openssl', ...make.split(' ')])
      await startQdrant(lab, source, {
        name: 'tls',
        labels: labels({ 'qdrant.tls': 'true' }),
        volumes: [`${tls}:/tls:ro`],
        env: {
          QDRANT__SERVICE__ENABLE_TLS: 'true',
          QDRANT__TLS__CERT: '/tls/cert',
          QDRANT__TLS__KEY: '/tls/key',
          // Without it such a server cannot restore any snapshot.
          QDRANT__TLS__CA_CERT: '/tls/cert',
        },
      })
      await eventually(() => story.backUp('tls').catch(() => undefined), 60, 'a backup over TLS')
      await story.restore('tls')
    })
  }
})

const contentOf = async ({ client }: Instance) => (await client()).content()

/** Points gone and changed, an alias gone, one led elsewhere, other vector parameters under a known name, a new collection. */
async function damage({ client }: Instance): Promise<void> {
  const { call, alias } = await client()
  await call('POST', '/collections/docs/points/delete?wait=true', {
    points: Array.from({ length: 700 }, (_, n) => n * 3),
  })
  await call('PUT', '/collections/docs/points?wait=true', {
    points: [{ id: 1, vector: { text: [9, 9, 9, 9] }, payload: { city: 'Rom' } }],
  })
  await call('DELETE', oddPath)
  await call('PUT', oddPath, { vectors: { size: 8, distance: 'Cosine' } })
  await alias('current', 'My notes ü')
  await call('PUT', '/collections/newer', { vectors: { size: 2, distance: 'Dot' } })
}

async function expectNothingLeft({ client }: Instance): Promise<void> {
  const now = await client()
  expect(await now.files()).toEqual([])
  const { collections } = (await now.call('GET', '/collections')).result
  expect(collections.filter(({ name }: { name: string }) => name.startsWith('xnai-'))).toEqual([])
}

/** `docs` itself is being replaced now: the server has the file and works on it. */
async function awaitLastStep({ client }: Instance): Promise<void> {
  const now = await client()
  const look = async () => {
    const { result } = await now.call('GET', '/collections/docs/snapshots')
    return result.some(({ name }: { name: string }) => name.startsWith('xnai-restore-'))
  }
  await eventually(look, 120, 'the restore comes to its last step')
}

const startProduct = (args: string[]) =>
  spawn(process.execPath, [join(import.meta.dirname, '../../../src/main.ts'), ...args], {
    env: { ...process.env, ...story.product.env },
    stdio: 'ignore',
  })
