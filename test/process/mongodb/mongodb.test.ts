import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { execStream, execText } from '../../../src/engine/exec.ts'
import type { MethodOptions } from '../../../src/labels/spec.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { CaptureContext, RestoreContext, StoredSnapshot } from '../../../src/methods/method.ts'
import * as mongodb from '../../../src/methods/mongodb/work.ts'
import type { Facts } from '../../../src/repository/repository.ts'
import { fakeEngine } from '../../fakes/engine.ts'
import { localCommands } from '../../fakes/local-commands.ts'
import { archiveOf } from '../../fakes/mongodb/archive.ts'
import { plainSpec } from '../../support/method-context.ts'
import { makeTools, type Tools } from './tools.ts'

// There is no package of MongoDB: the method runs against programs that say what its tools were recorded to say.

const password = `it's "a" $ecret\\ no\`body`
let folder: string
let tools: Tools

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xnai-test-'))
  tools = makeTools(folder, { user: 'root', password })
  tools.archive(shop())
  tools.shell(`${server()}${present(['shop', 'orders', 3, 2], ['shop', 'empty', 0, 1])}`)
})
afterEach(() => rm(folder, { recursive: true }))

const shop = (more: Parameters<typeof archiveOf>[1] = {}) =>
  archiveOf(
    [
      { db: 'shop', name: 'orders', documents: 3, indexes: 2 },
      { db: 'shop', name: 'empty' },
      { db: 'shop', name: 'recent', type: 'view' },
      { db: 'admin', name: 'system.users', documents: 2 },
    ],
    more,
  )

const say = (value: object) => `echo 'xnai-backup ${JSON.stringify(value)}'`
/** Answers to the two kinds of questions; a third one drops. */
const server = (facts: object = {}) =>
  `case $1 in *'hello: 1'*) echo 'a notice'; ${say({ version: '7.0.14', router: false, dataDirectory: folder, ...facts })}; exit 0 ;;
  *dbStats*) echo 'xnai-backup 4711'; exit 0 ;; esac\n`
const present = (...collections: [string, string, number, number][]) => {
  const lines = collections.map(([database, name, documents, indexes]) =>
    say({ database, name, type: 'collection', documents, indexes }),
  )
  const views = [say({ database: 'shop', name: 'recent', type: 'view' })]
  return `case $1 in *getCollectionInfos*) ${[...lines, ...views].join('; ')} ;; *drop*) : ;; esac`
}

function world(
  options: Partial<MethodOptions['mongodb']> = {},
  secret: Record<string, string> = { MONGO_INITDB_ROOT_PASSWORD: password },
) {
  const environment = { PATH: `${tools.bin}:${process.env.PATH}`, MONGO_INITDB_ROOT_USERNAME: 'root', ...secret }
  const engine = fakeEngine({
    containers: [{ name: 'db' }],
    commands: [
      (call) => {
        const command = call.request.command.map((word) => (word === '/bin/sh' ? 'sh' : word))
        return localCommands({ ...call, request: { ...call.request, command, environment } })
      },
    ],
  })
  const { signal } = new AbortController()
  const facts: Facts = {}
  const warnings: string[] = []
  const spec = plainSpec('mongodb', { port: 27017, tls: false, ...options })
  const never = () => Promise.reject(new Error('not for this method'))
  const ctx = async (): Promise<CaptureContext & RestoreContext> => ({
    container: (await engine.inspect('db', signal)) ?? (await never()),
    paths: [],
    signal,
    clock: systemClock,
    exec: (command, { timeoutSeconds = 60, ...more } = {}) =>
      execText(engine, 'db', { command, timeoutSeconds, ...more }, signal),
    execStream: (command, { timeoutSeconds = 60, ...more } = {}) =>
      execStream(engine, 'db', { command, timeoutSeconds, ...more }, signal),
    hostPath: (path) => path,
    treeRoot: (path) => path,
    connect: never,
    recordUndo: never as never,
    noteForRollBack: () => {},
    warn: (text) => void warnings.push(text),
    fact: (name, value) => void Object.assign(facts, { [name]: value }),
    service: { state: async () => 'running', start: never, stop: never },
  })
  const capture = async (): Promise<StoredSnapshot> => {
    let bytes = Buffer.alloc(0)
    for await (const artifact of mongodb.capture(await ctx(), spec))
      if (artifact.kind === 'stream') bytes = await buffer(await artifact.open(signal))
    return {
      id: 'one',
      facts,
      artifacts: [],
      open: async () => Readable.from([bytes.subarray(0, 50), bytes.subarray(50)]),
      extract: never,
      proveTree: never,
    }
  }
  const restore = async (snapshot: StoredSnapshot) => {
    await mongodb.preflight?.(await ctx(), spec, snapshot)
    await mongodb.restore(await ctx(), spec, snapshot)
    return mongodb.prove(await ctx(), spec, snapshot)
  }
  return { capture, restore, facts, warnings, journal: engine.journal }
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => 'no failure',
    (error) => error,
  )
const calls = () => readFileSync(tools.calls, 'utf8')

describe('mongodb, against recorded output of its tools', () => {
  test('an archive is counted as it goes by, put back without accounts, and proven', async () => {
    const { capture, restore, facts, warnings, journal } = world()
    const snapshot = await capture()
    expect(facts).toEqual({
      server: '7.0.14',
      bytes: 4711,
      oplog: false,
      'collections of shop': { orders: '2 indexes', empty: '1 indexes', recent: 'view' },
      'documents of shop': { orders: 3, empty: 0 },
    })
    expect(warnings.join()).toContain('no member of a replica set')
    tools.shell(
      `${server()}${present(['shop', 'orders', 3, 2], ['shop', 'empty', 0, 1], ['newer', "it's", 1, 1]).replace("it's", `it'\\''s`)}`,
    )
    const checks = await restore(snapshot)
    expect(checks.filter(({ ok }) => !ok)).toEqual([])
    expect(checks.map(({ name }) => name)).toEqual(['shop: collections', 'shop: documents'])
    expect(warnings.join()).toContain("not in the snapshot and dropped: newer.it's")
    expect(calls()).toContain(`for (const [database, name] of [["newer","it's"]])`)
    expect(calls()).toMatch(/mongorestore .*--archive --drop --stopOnError\n/)
    const ours = archiveOf([
      { db: 'shop', name: 'orders', documents: 3, indexes: 2 },
      { db: 'shop', name: 'empty' },
      { db: 'shop', name: 'recent', type: 'view' },
    ])
    expect(readFileSync(tools.restored).equals(ours)).toBe(true)
    expect(`${calls()}${journal.join()}${JSON.stringify(facts)}`).not.toContain('ecret')
  })

  test('a member of a replica set: the operations of the dump go with it, and documents are compared where there were none', async () => {
    tools.shell(`${server({ replicaSet: 'rs0' })}${present(['shop', 'orders', 4, 2], ['shop', 'empty', 0, 1])}`)
    tools.archive(shop({ oplog: 2 }))
    const { capture, restore, facts, warnings } = world()
    const snapshot = await capture()
    expect(facts).toMatchObject({ oplog: true, 'documents of shop': {} })
    expect(warnings).toEqual([])
    expect((await restore(snapshot)).filter(({ ok }) => !ok)).toEqual([])
    expect(calls()).toMatch(/mongodump .*--archive --oplog\n/)
    expect(calls()).toMatch(/mongorestore .*--oplogReplay\n/)
    tools.archive(shop({ oplog: 1 }))
    await capture()
    expect(facts).toMatchObject({ oplog: true, 'documents of shop': { orders: 3, empty: 0 } })
  })

  test('the login by labels, by a file, and without any', async () => {
    const labelled = world({ user: 'root', passwordEnv: 'MINE' }, { MINE: password })
    expect((await labelled.capture()).facts.server).toBe('7.0.14')
    const byFile = world({}, { MONGO_INITDB_ROOT_PASSWORD_FILE: join(folder, 'password') })
    expect((await byFile.capture()).facts.server).toBe('7.0.14')
    const other = world({}, { MONGO_INITDB_ROOT_PASSWORD: 'wrong' })
    expect(await failure(other.capture())).toMatchObject({ code: 'AUTH_FAILED' })
    const unreadable = world({}, { MONGO_INITDB_ROOT_PASSWORD_FILE: join(folder, 'none') })
    expect(await failure(unreadable.capture())).toMatchObject({ code: 'AUTH_FAILED' })
    const none = await failure(world({}, {}).capture())
    expect(none).toMatchObject({ code: 'AUTH_FAILED', hint: expect.stringContaining('password-env') })
  })

  test.each([
    [
      'a tool that fails after half of it',
      `head -c 200 '%'; echo '2026 Failed: error writing data: out of luck' >&2; exit 1`,
      'out of luck',
    ],
    ['a dump that is cut', `head -c 400 '%'`, 'ends in the middle'],
    ['nothing', 'exit 0', 'empty'],
    ['something else', 'echo hello', 'not whole'],
  ])('%s is no snapshot', async (_, lines, said) => {
    tools.ending('mongodump', lines.replace('%', join(folder, 'archive')))
    expect(await failure(world().capture())).toMatchObject({
      code: 'DUMP_FAILED',
      message: expect.stringContaining(said),
    })
  })

  test('a dump that is cut between two blocks is no snapshot', async () => {
    const whole = shop()
    tools.archive(whole.subarray(0, whole.lastIndexOf('ffffffff', whole.length - 5, 'hex') + 4))
    const message = expect.stringContaining('the end of admin.system.users is missing')
    expect(await failure(world().capture())).toMatchObject({ code: 'DUMP_FAILED', message })
  })

  test.each([
    [
      'documents that were not taken',
      `echo '1 document(s) restored successfully. 2 document(s) failed to restore.' >&2`,
      '2 documents',
    ],
    [
      'a tool that fails',
      `echo '2026 Failed: shop.orders: error restoring: E11000 duplicate key' >&2; exit 1`,
      'E11000',
    ],
    ['a tool that does not say what it did', 'exit 0', 'did not say'],
  ])('%s fail the restore', async (_, lines, said) => {
    const { capture, restore } = world()
    const snapshot = await capture()
    tools.ending('mongorestore', lines)
    expect(await failure(restore(snapshot))).toMatchObject({
      code: 'RESTORE_FAILED',
      message: expect.stringContaining(said),
    })
  })

  test.each([
    ['the disk of the server is full', '(OutOfDiskSpace) No space left on device', 'NO_SPACE'],
    ['the server has ended', 'connection(127.0.0.1:27017[-3]) socket was unexpectedly closed: EOF', 'SERVICE_DOWN'],
  ])('%s in the middle of a restore: said so, with a hint', async (_, said, code) => {
    const { capture, restore } = world()
    const snapshot = await capture()
    tools.ending('mongorestore', `echo '2026 Failed: shop.orders: error restoring: ${said}' >&2; exit 1`)
    const hint = expect.stringMatching(/full|Free space/)
    expect(await failure(restore(snapshot))).toMatchObject({ code, message: expect.stringContaining(said), hint })
  })

  test('what came back otherwise is seen', async () => {
    const { capture, restore } = world()
    const snapshot = await capture()
    tools.shell(`${server()}${present(['shop', 'orders', 2, 1])}`)
    const failed = (await restore(snapshot)).filter(({ ok }) => !ok)
    expect(failed.map(({ name, expected, actual }) => `${name}: ${expected}, ${actual}`)).toEqual([
      'shop: collections: 3 as recorded, 1 as recorded',
      'shop: collections of orders: 2 indexes, 1 indexes',
      'shop: collections of empty: 1 indexes, missing',
      'shop: documents: 2 as recorded, 0 as recorded',
      'shop: documents of orders: 3, 2',
      'shop: documents of empty: 0, missing',
    ])
  })

  test('documents that the stand-in deletes by their age are no fault, others are', async () => {
    const { capture, restore } = world()
    const snapshot = await capture()
    const fewer = (expires: boolean) =>
      say({ database: 'shop', name: 'orders', type: 'collection', documents: 1, indexes: 2, expires })
    const others = `${say({ database: 'shop', name: 'recent', type: 'view' })}; ${say({ database: 'shop', name: 'empty', type: 'collection', documents: 0, indexes: 1, expires: true })}`
    const shell = (expires: boolean) =>
      `${server()}case $1 in *getCollectionInfos*) ${fewer(expires)}; ${others} ;; esac`
    tools.shell(shell(true))
    const checks = await restore(snapshot)
    expect(checks.filter(({ ok }) => !ok)).toEqual([])
    expect(checks.at(-1)).toMatchObject({
      name: 'shop: documents of orders, which expire',
      expected: 'at most 3',
      actual: '1',
    })
    tools.shell(shell(false))
    const failed = (await restore(snapshot)).filter(({ ok }) => !ok)
    expect(failed.map(({ name }) => name)).toEqual(['shop: documents', 'shop: documents of orders'])
  })

  test('a stand-in on a port of its own that speaks TLS is reached there by every program', async () => {
    const { capture, restore } = world({ port: 27018, tls: true, cacert: '/etc/my ca.pem' })
    await restore(await capture())
    const place = '--port 27018 --ssl --tlsInsecure --sslCAFile /etc/my ca.pem --archive'
    expect(calls()).toMatch(new RegExp(`mongodump .*${place}\n`))
    expect(calls()).toMatch(new RegExp(`mongorestore .*${place} --drop`))
    const address = 'mongodb://127.0.0.1:27018/?directConnection=true&serverSelectionTimeoutMS=10000&tls=true'
    expect(calls()).toContain(`${address}&tlsCAFile=%2Fetc%2Fmy%20ca.pem&tlsAllowInvalidHostnames=true`)
    const { capture: again } = world({ port: 27018, tls: true })
    await again()
    expect(calls()).toContain('&tls=true&tlsAllowInvalidCertificates=true"')
  })

  test('an older server, a router, a server that is down, an image without the tools: nothing is touched', async () => {
    const { capture, restore } = world()
    const snapshot = await capture()
    tools.shell(`${server({ version: '6.0.1' })}`)
    expect(await failure(restore(snapshot))).toMatchObject({
      code: 'RESTORE_REFUSED',
      hint: expect.stringContaining('7.0.14'),
    })
    tools.shell(`${server({ router: true })}`)
    expect(await failure(restore(snapshot))).toMatchObject({ code: 'RESTORE_REFUSED' })
    expect(await failure(world().capture())).toMatchObject({ code: 'TARGET_BROKEN' })
    tools.shell(`echo 'MongoNetworkError: connect ECONNREFUSED 127.0.0.1:27017' >&2; exit 1`)
    expect(await failure(world().capture())).toMatchObject({ code: 'SERVICE_DOWN' })
    await rm(join(tools.bin, 'mongosh'))
    expect(await failure(world().capture())).toMatchObject({ code: 'TOOL_MISSING' })
    expect(existsSync(tools.restored)).toBe(false)
  })
})
