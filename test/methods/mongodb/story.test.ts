import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newSecret } from '../../../lab/secrets.ts'
import { backedUp, openStory, startTimes, states } from '../../support/story.ts'
import { awaitReady, chooseSource, type Instance, password, startMongodb } from './server.ts'

const interrupted = join(import.meta.dirname, '../shared/interrupted.ts')
const story = await openStory('mongodb', [password])
const { lab } = story
const source = await chooseSource(lab)
afterAll(() => story[Symbol.asyncDispose]())

/** All documents, with their types, and all indexes. */
const look = ({ shell }: Instance) =>
  shell<unknown>(`for (const name of ['crm', 'shop']) {
    const database = client.getDB(name);
    for (const of of database.getCollectionInfos().map(({ name }) => name).sort()) {
      const collection = database.getCollection(of);
      say([name, of, collection.getIndexes()]);
      collection.find().forEach((each) => say(EJSON.stringify(each, { relaxed: false })));
    }
  }`)

/** What a dump could lose; only documents with numbers for the stand-ins. */
const rich = `client.getDB('crm').getCollection('it\\'s odd ü').insertMany([{ _id: ObjectId('65a000000000000000000001'), at: new Date(0),
    bytes: BinData(0, 'AAEC'), long: NumberLong('9007199254740993'), ratio: 0.1, list: [1, null, {}], pattern: /a'b/i, moment: Timestamp({ t: 5, i: 1 }), text: 'ü"\\\\' }]);
  const orders = shop.getCollection('orders');
  orders.createIndex({ n: 1 }, { unique: true, name: 'by number' });
  orders.createIndex({ 'lines.of': 1, n: -1 });`

describe(`mongodb, on ${source.name}`, { timeout: 600_000 }, () => {
  let db: Instance
  let before: unknown[]

  beforeAll(async () => {
    db = await startMongodb(lab, source, { name: 'db', labels: backedUp('mongodb', { 'start-timeout': '60s' }) })
    await awaitReady(db)
    if (source.isReal) await db.shell(rich)
    const orders = `Array.from({ length: 3000 }, (_, n) => ({ _id: n, n, text: 'order '.repeat(20) }))`
    await db.shell(
      `shop.getCollection('orders').insertMany(${orders}); shop.getCollection('other').insertMany([{ _id: 1 }])`,
    )
    before = await look(db)
    expect(before).toHaveLength(source.isReal ? 3005 : 3003)
  })

  const damage = () =>
    db.shell(`shop.getCollection('orders').drop(); client.getDB('crm').getCollection('newer').insertMany([{ _id: 1 }]);
      shop.getCollection('other').insertMany([{ _id: 2 }])`)

  test('written, backed up, destroyed, restored, the same, and nothing is stopped', async () => {
    const started = await startTimes(lab)
    const { json } = await story.call(['backup', 'db'])
    expect(json.targets[0]).toMatchObject({ outcome: 'complete', stopped: [], downtimeSeconds: 0 })
    expect(json.targets[0].warnings.join()).toContain('no member of a replica set')
    await damage()
    const { checks, warnings } = await story.restore('db')
    expect(checks.map(({ name }: { name: string }) => name)).toContain('shop: documents')
    expect(warnings.join()).toContain('not in the snapshot and dropped: crm.newer')
    expect(await look(db)).toEqual(before)
    expect(await startTimes(lab)).toBe(started)
  })

  test('killed in mid restore: the state before, by the next command', async () => {
    const snapshot = await story.backUp('db')
    await damage()
    const damaged = await look(db)
    const env = { INTERRUPT_BY: 'SIGKILL', INTERRUPT_AT: 'replace' }
    const killed = await story.product(['restore', 'db', '--at', snapshot, '--yes'], { program: interrupted, env })
    expect(killed.exitCode).not.toBe(0)
    await story.call(['list', 'db'])
    expect(await look(db)).toEqual(damaged)
    await story.restore('db', '--at', snapshot)
    expect(await look(db)).toEqual(before)
  })

  test('into an empty server that is not running: it is started, and stopped again', async () => {
    await lab.podman(['rm', '--force', '--time', '10', db.container.name])
    await lab.podman(['volume', 'rm', `${lab.project}-db`])
    db = await startMongodb(lab, source, {
      name: 'db',
      labels: backedUp('mongodb', { 'start-timeout': '60s' }),
      create: true,
    })
    await story.restore('db')
    expect((await states(lab)).db).not.toBe('running')
    await lab.podman(['start', db.container.name])
    await awaitReady(db)
    expect(await look(db)).toEqual(before)
  })

  test('a wrong password, a server that is down, an image without the tools: an error with a hint, nothing touched', async () => {
    const wrong = { 'mongodb.password-env': 'WRONG' }
    const env = { WRONG: newSecret('wrong') }
    await startMongodb(lab, source, { name: 'wrong', labels: backedUp('mongodb', wrong), env })
    const asleep = { labels: backedUp('mongodb'), command: ['sleep', '600'] }
    await startMongodb(lab, source, { name: 'down', ...asleep })
    await lab.run({ name: 'bare', ...asleep })
    const expected = {
      wrong: 'AUTH_FAILED',
      down: 'SERVICE_DOWN',
      bare: 'TOOL_MISSING',
    }
    for (const [target, code] of Object.entries(expected)) {
      const { exitCode, json } = await story.call(['backup', target])
      expect(json.targets[0], target).toMatchObject({ outcome: 'failed', error: { code } })
      expect(json.targets[0].error.hint).toMatch(/\w/)
      expect(exitCode).toBe(1)
    }
  })
})
