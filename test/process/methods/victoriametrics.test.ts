import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import type { RestoreContext, StoredSnapshot } from '../../../src/methods/method.ts'
import * as victoriametrics from '../../../src/methods/victoriametrics/work.ts'
import type { Facts } from '../../../src/repository/repository.ts'
import { plainSpec } from '../../support/method-context.ts'

// There is no package of vmstorage: a small server answers as its source says (app/vmstorage/main.go), with 400 to all queries.

const name = '20261123021443-18EA8ADC75885B34'
const password = 'it is: "a" $ecret'

interface StandIn {
  login?: string
  key?: string
  /** Bytes of its answers about snapshots. Default: as many as they have. */
  answerBytes?: number
}

/** A server whose snapshot lies in a new folder, and the method beside it. */
async function startStandIn({ login, key, answerBytes = 0 }: StandIn, options: object = {}) {
  const root = mkdtempSync(join(tmpdir(), 'xnai-vm-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const kind of ['small', 'big'])
    mkdirSync(join(root, 'data', kind, 'snapshots', name, '2026_10'), { recursive: true })
  mkdirSync(join(root, 'snapshots', name, 'data'), { recursive: true })
  for (const kind of ['small', 'big']) {
    symlinkSync(`../../../data/${kind}/snapshots/${name}`, join(root, 'snapshots', name, 'data', kind))
  }
  let snapshots: string[] = []
  const answer = async (path: string, body: string): Promise<[status: number, text: string]> => {
    if (path === '/metrics')
      return [200, 'vm_app_version{short_version="v1.140.0"} 1\nvm_parts{type="storage/inmemory"} 0\n']
    if (path === '/health') return [200, 'OK']
    if (!path.startsWith('/snapshot/')) return [400, `unsupported path requested: "${path}"`]
    if (key !== undefined && new URLSearchParams(body).get('authKey') !== key) return [401, 'wrong authKey']
    if (path === '/snapshot/create') snapshots = [name]
    if (path === '/snapshot/delete') snapshots = []
    return [200, JSON.stringify({ status: 'ok', snapshot: name, snapshots }).padEnd(answerBytes)]
  }
  const isLoggedIn = ({ headers }: IncomingMessage) =>
    login === undefined || headers.authorization === `Basic ${Buffer.from(login).toString('base64')}`
  const server = createServer(async (request, response) => {
    const body = await text(request)
    if (!isLoggedIn(request)) return response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="VM"' }).end()
    const [status, said] = await answer(request.url ?? '', body)
    return response.writeHead(status).end(said)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const port = (server.address() as AddressInfo).port
  const spec = { ...plainSpec('victoriametrics', { port, tls: false, ...options }), startTimeoutSeconds: 5 }
  const facts: Facts = {}
  const warnings: string[] = []
  const ctx = {
    container: {
      name: 'vm',
      state: 'running',
      environment: new Map([['VM_PASSWORD', password]]),
      mounts: [{ kind: 'volume', source: root, destination: '/storage', writable: true }],
    },
    signal: new AbortController().signal,
    clock: systemClock,
    connect: async () => ({ host: '127.0.0.1', [Symbol.asyncDispose]: async () => {} }),
    hostPath: (path: string) => join(root, path.slice('/storage'.length)),
    recordUndo: () => ({ [Symbol.dispose]: () => {} }),
    warn: (said: string) => void warnings.push(said),
    fact: (key: string, value: unknown) => void Object.assign(facts, { [key]: value }),
  } as unknown as RestoreContext & { fact: () => void }
  const capture = async () => {
    const names: string[] = []
    for await (const artifact of victoriametrics.capture(ctx, spec)) names.push(artifact.name)
    return names
  }
  const prove = () => victoriametrics.prove(ctx, spec, { facts } as StoredSnapshot)
  return { facts, warnings, capture, prove, left: () => snapshots }
}

test('a stand-in for vmstorage, which answers no queries, is captured and proven by its files', async () => {
  const { facts, warnings, capture, prove, left } = await startStandIn({})
  expect(await capture()).toEqual(['storage', 'data-big', 'data-small'])
  expect(facts).toEqual({ server: 'v1.140.0', oldestPartition: '2026_10', storage: '/storage' })
  expect(warnings).toEqual([expect.stringContaining('by the files alone')])
  expect(await prove()).toEqual([])
  expect(left()).toEqual([])
})

test('a stand-in that wants a login gets it, and the auth key beside it', async () => {
  const login = { user: 'backup', passwordEnv: 'VM_PASSWORD' }
  const { capture } = await startStandIn({ login: `backup:${password}` }, login)
  expect(await capture()).toHaveLength(3)
  const both = await startStandIn(
    { login: `backup:${password}`, key: password },
    { ...login, authKeyEnv: 'VM_PASSWORD' },
  )
  expect(await both.capture()).toHaveLength(3)
})

test.each([
  ['a login that is wanted', { login: 'backup:other' }, {}, /Nothing was sent.*user and …password-env/],
  [
    'a wrong login',
    { login: 'backup:other' },
    { user: 'backup', passwordEnv: 'VM_PASSWORD' },
    /refused what the variable VM_PASSWORD holds.*user and …password-env/,
  ],
  ['an auth key that is wanted', { key: 'other' }, {}, /auth-key-env must name/],
  ['a password whose variable is not set', {}, { passwordEnv: 'NONE' }, /password-env names a variable/],
])('without %s the error names the labels that are wrong', async (_, standIn, options, hint) => {
  const { capture } = await startStandIn(standIn, options)
  const error = { code: 'AUTH_FAILED', hint: expect.stringMatching(hint) }
  await expect(capture()).rejects.toMatchObject(error)
  await expect(capture()).rejects.not.toMatchObject({ message: expect.stringContaining(password) })
})

test('an answer that would fill the memory is refused', async () => {
  const { capture } = await startStandIn({ answerBytes: 65 * 1024 * 1024 })
  await expect(capture()).rejects.toThrow('an answer of more than 67108864 bytes')
})
