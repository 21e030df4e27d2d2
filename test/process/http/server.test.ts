import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import { makeStage } from '../../fault/kill-stage.ts'
import { statusShape } from '../../support/json-shapes.ts'
import { startPageServer } from '../../support/page-server.ts'
import { startDaemon } from '../../support/product-daemon.ts'
import { victim } from '../../support/victims.ts'

/** The server of a real controller. What a hostile client does to it is tried in `hostile.test.ts`. */

const token = 'correct-horse-battery'

test('health, readiness and the report of status are served, and the server ends with the controller', async () => {
  const { stage, daemon, ask } = await startPageServer()
  await eventually(async () => (await ask('/readyz')).status === 200, 60, 'the first pass')
  expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' })
  expect(await ask('/healthz', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })

  const { status, body, headers } = await ask('/api/v1/status')
  expect(status).toBe(200)
  const { pass, ...report } = JSON.parse(body)
  statusShape.parse(report)
  const { json } = await stage.product(['status', '--json'])
  const repositories = [{ ...json.repositories[0], freeBytes: report.repositories[0].freeBytes }]
  expect(report).toEqual({ ...json, repositories })
  expect(pass).toMatchObject({ failures: 0, errors: [] })
  expect(headers).toMatchObject({
    'content-security-policy': expect.stringContaining("default-src 'none'"),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cache-control': 'no-store',
  })

  expect(await daemon.end()).toBe(0)
  await expect(ask('/healthz')).rejects.toThrow('ECONNREFUSED')
})

test('the token is asked for wherever one is set, and never stands in the log', async () => {
  const { daemon, ask } = await startPageServer({ XNAI_BACKUP_LISTEN: '0.0.0.0:0', XNAI_BACKUP_LISTEN_TOKEN: token })
  for (const authorization of ['', 'Bearer', `Bearer ${token.slice(1)}`, `Basic ${btoa(`admin:${token}`)}`]) {
    const { status, headers, body } = await ask('/api/v1/status', { headers: { authorization } })
    expect({ authorization, status }).toEqual({ authorization, status: 401 })
    expect(headers['www-authenticate']).toContain('Bearer')
    expect(body).not.toContain('shop')
  }
  const headers = { authorization: `Bearer ${token}` }
  await eventually(async () => (await ask('/api/v1/status', { headers })).status === 200, 60, 'the first pass')
  expect((await ask('/nowhere', { headers })).status).toBe(404)
  expect((await ask('/readyz')).status).toBe(200)
  expect(daemon.log()).not.toContain(token)
})

test('a port in use is told with a hint, and backups go on', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void taken.close())
  await eventually(() => taken.listening, 10, 'the other program')
  const { port } = taken.address() as AddressInfo
  using stage = makeStage()
  await using daemon = startDaemon(
    { env: { ...stage.env, XNAI_BACKUP_LISTEN: `127.0.0.1:${port}` } },
    { program: victim },
  )
  await eventually(() => daemon.log().includes('LISTEN_FAILED'), 60, 'the error')
  const line =
    daemon
      .log()
      .split('\n')
      .find((one) => one.includes('LISTEN_FAILED')) ?? ''
  expect(JSON.parse(line)).toMatchObject({
    msg: 'the page is not served',
    cause: expect.stringContaining(`127.0.0.1:${port} cannot be used: another program listens there`),
    hint: expect.stringContaining('listen'),
  })
  expect(await stage.product(['backup', 'app', '--json'])).toMatchObject({ exitCode: 0 })
  expect(daemon.exit()).toBeNull()
})
