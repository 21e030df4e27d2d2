import { globSync, readFileSync } from 'node:fs'
import { rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type LabContainer } from '../../../lab/lab.ts'
import { startDaemon } from '../../support/product-daemon.ts'
import { backedUp, openStory, states } from '../../support/story.ts'
import { idle } from '../shared/subject.ts'

const index = '/app/data/faiss_index'
const story = await openStory('faiss')
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

let rag: LabContainer
let indexer: LabContainer
let folder: string

/** Index and companion file, written in place, as LangChain writes them. */
const builder = `
import faiss, numpy, pickle
def build(count):
    vectors = numpy.random.RandomState(7).rand(count, 32).astype('float32')
    index = faiss.IndexIDMap(faiss.IndexFlatL2(32))
    index.add_with_ids(vectors, numpy.arange(count) + 1000)
    faiss.write_index(index, '${index}/index.faiss')
    with open('${index}/index.pkl', 'wb') as file: pickle.dump({1000 + n: f'text {n}' for n in range(count)}, file)`

const build = (count: number) => `${builder}\nbuild(${count})`

/** Builds one index after another, each larger than the last, and ends between two when it is asked to. */
const busy = `${builder}
import signal
going = True
def end(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, end)
count = 1000
while going:
    build(count)
    count += 1`

const find = `
import faiss, numpy, pickle
texts = pickle.load(open('${index}/index.pkl', 'rb'))
found = faiss.read_index('${index}/index.faiss').search(numpy.full((1, 32), 0.5, 'float32'), 5)
print([(texts[int(n)], float(d)) for d, n in zip(found[0][0], found[1][0])])`

const search = () => rag.exec(['python3', '-c', find])
const manifests = () => {
  const files = globSync(join(story.product.repository, lab.project, 'rag', '*', 'manifest.json'))
  return files.map((file) => JSON.parse(readFileSync(file, 'utf8')))
}

beforeAll(async () => {
  const volumes = [`${lab.project}-faiss:${index}`]
  const labels = backedUp('files', { paths: index, schedule: 'on-change', settle: '2s' })
  rag = await lab.run({ name: 'rag', volumes, labels, command: idle })
  indexer = await lab.run({ name: 'indexer', volumes, command: idle })
  folder = (await lab.inspect(rag.name)).Mounts[0]?.Source ?? ''
})

test('an index is backed up once it is still, and answers a search as before after its loss', async () => {
  let manifest: ReturnType<typeof manifests>[number]
  {
    await using _controller = startDaemon(story.product)
    await indexer.exec(['python3', '-c', build(500)])
    const ofNewIndex = () => manifests().find(({ facts }) => facts[`faiss ${index}/index.faiss`]?.ntotal === 500)
    manifest = await eventually(ofNewIndex, 120, 'a snapshot of the new index')
    await eventually(async () => Object.values(await states(lab)).every((state) => state === 'running'), 60, 'all run')
  }
  expect(manifest.facts[`faiss ${index}/index.faiss`]).toEqual({ type: 'IxMp', dimension: 32, ntotal: 500 })
  expect(manifest).toMatchObject({ reason: 'change', quiesced: expect.arrayContaining([rag.name, indexer.name]) })

  const answer = await search()
  await indexer.exec(['python3', '-c', build(40)])
  expect(await search()).not.toBe(answer)
  await rm(join(folder, 'index.pkl'))
  await story.restore('rag', '--at', manifest.id)
  expect(await search()).toBe(answer)
})

test('a torn index fails the backup, and a restore brings back the whole one', async () => {
  await indexer.exec(['python3', '-c', build(300)])
  const answer = await search()
  await story.backUp('rag')
  await truncate(join(folder, 'index.faiss'), 20_000)

  const { exitCode, json } = await story.call(['backup', 'rag'])
  expect(exitCode).toBe(1)
  expect(json.targets[0].error).toMatchObject({
    code: 'DUMP_FAILED',
    message: expect.stringContaining(`${index}/index.faiss`),
    hint: expect.stringContaining('last good one'),
  })
  expect(await story.restore('rag')).toMatchObject({ safety: 'raw' })
  expect(await search()).toBe(answer)
})

test('under an indexer that never pauses, index and texts of one and the same build come back', async () => {
  const volumes = [`${lab.project}-faiss:${index}`]
  const writer = await lab.run({ name: 'writer', volumes, command: ['python3', '-c', busy] })
  const size = `
import faiss, pickle
print(faiss.read_index('${index}/index.faiss').ntotal, len(pickle.load(open('${index}/index.pkl', 'rb'))))`
  const sizes = async () => (await rag.exec(['python3', '-c', size])).trim().split(' ').map(Number)
  const [before = 0] = await eventually(
    async () => {
      const seen = await sizes()
      return seen.every((count) => count > 1000) ? seen : undefined
    },
    60,
    'the indexer builds',
  )
  const id = await story.backUp('rag')
  expect(await states(lab)).toMatchObject({ rag: 'running', writer: 'running' })
  await lab.podman(['rm', '--force', '--time', '10', writer.name])
  await story.restore('rag', '--at', id)
  const [vectors = 0, texts] = await sizes()
  expect(vectors).toBe(texts)
  expect(vectors).toBeGreaterThanOrEqual(before)
})
