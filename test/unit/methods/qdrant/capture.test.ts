import { describe, expect, test } from 'vitest'
import { apiKey, failure, openStage, type Stage } from './stage.ts'

describe('what a capture keeps', () => {
  test('each collection, the list of them, and nothing on the server', async () => {
    await using stage = await openStage()
    await stage.client.fill()
    const before = await stage.client.content()
    const snapshot = await stage.bench.capture()
    expect([...snapshot.contents.keys()]).toEqual(['1-my-notes-.snapshot', '2-docs.snapshot', 'collections.json'])
    expect(snapshot.facts).toMatchObject({
      server: '1.13.1',
      collections: 2,
      aliases: 2,
      'collection docs': { points: '200', shards: 3 },
    })
    expect(await stage.client.content()).toEqual(before)
    expect(stage.files()).toEqual([])
    expect([...stage.bench.notes]).toEqual([])
    expect(stage.fake.violations).toEqual([])
  })

  test('counts of both sides when it is written meanwhile', async () => {
    await using stage = await openStage()
    await stage.client.fill()
    const add = (id: number) =>
      stage.client.call('PUT', '/collections/docs/points?wait=true', { points: [pointOf(id)] })
    let counted = 0
    stage.fake.intercept = (line) => {
      if (line.endsWith('/docs/points/count') && ++counted === 2) return { result: { count: 203 } }
      return undefined
    }
    await add(200)
    const { facts } = await stage.bench.capture()
    expect(facts['collection docs']).toMatchObject({ points: '201 to 203' })
  })

  test('only the collections that the label names, with their aliases', async () => {
    await using stage = await openStage({ collections: ['docs'] })
    await stage.client.fill()
    const { facts, contents } = await stage.bench.capture()
    expect([...contents.keys()]).toEqual(['1-docs.snapshot', 'collections.json'])
    expect(facts.aliases).toBe(1)
  })

  test('an empty server too', async () => {
    await using stage = await openStage()
    expect([...(await stage.bench.capture()).contents.keys()]).toEqual(['collections.json'])
  })

  test('a snapshot of somebody else’s of the same second stays', async () => {
    await using stage = await openStage()
    await stage.client.fill()
    const { name } = (await stage.client.call('POST', '/collections/docs/snapshots?wait=true')).result
    await stage.bench.capture()
    expect(stage.files().toSorted()).toEqual([name, `${name}.checksum`])
  })
})

const pointOf = (id: number) => ({ id, vector: { text: [1, 1, 1, 1] }, payload: {} })

describe('a capture that fails leaves nothing on the server', () => {
  const isDownload = (line: string) => line.startsWith('GET') && line.includes('docs/snapshots/docs')
  const wrongBytes = Buffer.from('{}')
  test.each<[what: string, code: string, says: RegExp, disturb: (stage: Stage) => void]>([
    [
      'the disk of the server is full',
      'NO_SPACE',
      /500: Service internal error: No space left/,
      ({ fake }) => {
        fake.intercept = (line) =>
          line === 'POST /collections/docs/snapshots?wait=true'
            ? { status: 500, error: 'Service internal error: No space left on device' }
            : undefined
      },
    ],
    [
      'the download is cut',
      'SERVICE_DOWN',
      /docs\/snapshots/,
      ({ fake }) => {
        fake.intercept = (line) => (isDownload(line) ? { bytes: wrongBytes, length: 1000 } : undefined)
      },
    ],
    [
      'the download is another file',
      'DUMP_FAILED',
      /came with 2 bytes/,
      ({ fake }) => {
        fake.intercept = (line) => (isDownload(line) ? { bytes: wrongBytes } : undefined)
      },
    ],
    [
      'shards lie on other nodes',
      'DUMP_FAILED',
      /2 shards of docs lie on other nodes/,
      ({ fake }) => {
        fake.intercept = (line) =>
          line.endsWith('/docs/cluster') ? { result: { remote_shards: [{}, {}], local_shards: [] } } : undefined
      },
    ],
  ])('%s', async (_, code, says, disturb) => {
    await using stage = await openStage()
    await stage.client.fill()
    disturb(stage)
    const error = await failure(stage.bench.capture())
    expect(error).toMatchObject({ code })
    expect(error.message).toMatch(says)
    expect(stage.files()).toEqual([])
    expect([...stage.bench.notes]).toEqual([])
  })

  test('one flipped bit in the download', async () => {
    await using stage = await openStage()
    await stage.client.fill()
    const real = Buffer.from(JSON.stringify((await stage.client.call('GET', '/collections/docs')).result))
    let size = 0
    stage.fake.intercept = (line) => {
      if (line === 'POST /collections/docs/snapshots?wait=true') {
        size = real.length
        return { result: { name: 'docs-1-2026-01-01-00-00-00.snapshot', size, checksum: '0'.repeat(64) } }
      }
      return isDownload(line) ? { bytes: real } : undefined
    }
    const error = await failure(stage.bench.capture())
    expect(error).toMatchObject({ code: 'DUMP_FAILED' })
    expect(error.message).toContain('SHA-256')
  })
})

describe('a capture that cannot begin', () => {
  test('a wrong key is AUTH_FAILED, and stands nowhere in the error', async () => {
    await using stage = await openStage()
    const { container } = stage.bench.context()
    const environment = new Map([['QDRANT_API_KEY', `${apiKey}-of-old`]])
    const error = await failure(stage.bench.capture({ container: { ...container, environment } }))
    expect(error).toMatchObject({ code: 'AUTH_FAILED' })
    expect(error.message).toContain('401')
    expect(error.hint).toContain('The server refused what the variable QDRANT_API_KEY holds.')
    expect(JSON.stringify([error.message, error.hint, String(error.cause)])).not.toContain(apiKey)
  })

  test('a variable that the container has not', async () => {
    await using stage = await openStage({ apiKeyEnv: 'MY_KEY' })
    expect(await failure(stage.bench.capture())).toMatchObject({ code: 'AUTH_FAILED' })
  })

  test('a server that does not listen is SERVICE_DOWN', async () => {
    await using stage = await openStage()
    await stage.fake.kill()
    expect(await failure(stage.bench.capture())).toMatchObject({ code: 'SERVICE_DOWN' })
    await stage.fake.start()
  })

  test('another program on the port is SERVICE_DOWN', async () => {
    await using stage = await openStage()
    stage.fake.intercept = () => ({ status: 200, text: '<html>' })
    const error = await failure(stage.bench.capture())
    expect(error).toMatchObject({ code: 'SERVICE_DOWN' })
    expect(error.hint).toContain('qdrant.port')
  })

  test.each(['1.16.0', '1.16.1'])('a server that makes snapshots which nobody can restore: %s', async (version) => {
    await using stage = await openStage()
    await stage.client.fill()
    stage.fake.version = version
    const error = await failure(stage.bench.capture())
    expect(error).toMatchObject({ code: 'DUMP_FAILED', message: expect.stringContaining('qdrant/issues/7622') })
    expect(error.hint).toContain('1.16.2')
    expect(stage.files()).toEqual([])
  })

  test.each(['1.15.5', '1.16.2', '1.17.0'])('its neighbours are backed up: %s', async (version) => {
    await using stage = await openStage()
    stage.fake.version = version
    expect((await stage.bench.capture()).facts).toMatchObject({ server: version })
  })

  test('a stopped container is SERVICE_DOWN', async () => {
    await using stage = await openStage()
    const { container } = stage.bench.context()
    const error = await failure(stage.bench.capture({ container: { ...container, state: 'stopped' } }))
    expect(error).toMatchObject({ code: 'SERVICE_DOWN' })
  })

  test.each([
    ['a slip of the pen', 'dosc', 'Did you mean docs?'],
    ['an alias', 'current', 'Did you mean docs?'],
    ['something else', 'everything', 'There are: My notes ü, docs.'],
  ])('a named collection that is not there: %s', async (_, name, hint) => {
    await using stage = await openStage({ collections: [name] })
    await stage.client.fill()
    expect(await failure(stage.bench.capture())).toMatchObject({ code: 'DUMP_FAILED', hint })
  })
})
