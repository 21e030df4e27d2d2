import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connect } from '../../../src/engine/connection.ts'
import { connectEngine } from '../../../src/engine/podman.ts'

const endedContainer = new URL('../../fixtures/inspect/ended.json', import.meta.url)
let dir: string
let stops: (() => Promise<void>)[]
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'engine-'))
  stops = [() => rm(dir, { recursive: true })]
})
afterEach(async () => {
  for (const stop of stops.reverse()) await stop()
})

/** An engine that answers as it is told. */
async function engineAnswering(listener: RequestListener) {
  const server = createServer(listener)
  server.listen(join(dir, 'engine.sock'))
  await once(server, 'listening')
  stops.push(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return connectEngine(join(dir, 'engine.sock'))
}

const failing = (status: number, message: string) =>
  engineAnswering((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }))
  })
const { signal } = new AbortController()

test('a request is described for the debug log of docker-modem without what its agent is made of', () => {
  const { agent } = connect('/nowhere.sock').docker.modem as unknown as { agent: object }
  expect(inspect(agent, { showHidden: true, depth: null })).toBe('agent')
})

test.each([
  [
    404,
    'no container with name or ID "x" found: no such container',
    'NO_SUCH_CONTAINER',
    /podman-compose up --no-start/,
  ],
  [
    500,
    'container x does not exist in database: no such container',
    'NO_SUCH_CONTAINER',
    /podman-compose up --no-start/,
  ],
  [
    500,
    'some dependencies of container x are not started: db: container state improper',
    'ENGINE_FAILED',
    /depends on/,
  ],
  [500, 'crun: out of memory', 'ENGINE_FAILED', /log of the engine/],
])('start answered %i "%s" is %s', async (status, message, code, hint) => {
  const engine = await failing(status, message)
  await expect(engine.start('x', signal)).rejects.toMatchObject({
    code,
    message: `start x: HTTP ${status}: ${message}`,
    hint: expect.stringMatching(hint),
  })
})

test('an error of the engine shows no value of the environment that it was given', async () => {
  const engine = await failing(500, 'cannot set PGPASSWORD=correct horse in a container')
  const request = { command: ['psql'], environment: { PGPASSWORD: 'correct horse' } }
  const error = await engine.exec('db', request, signal).catch((failure) => failure)
  expect(error.message).toBe('exec psql in db: HTTP 500: cannot set PGPASSWORD=*** in a container')
  expect(error.cause).toBeUndefined()
})

test('304 is a success of start', async () => {
  const engine = await engineAnswering((_request, response) => response.writeHead(304).end())
  expect(await engine.start('x', signal)).toBeUndefined()
})

test('stop always says how long to wait, for Podman 4.3 kills at once without', async () => {
  const seen: string[] = []
  const { docker } = JSON.parse(await readFile(endedContainer, 'utf8'))
  const engine = await engineAnswering((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    if (request.method === 'POST') response.writeHead(204).end()
    else if (request.url?.includes('libpod')) response.writeHead(404).end()
    else response.end(JSON.stringify(docker))
  })
  expect(await engine.stop('x', 0, signal)).toEqual({ exitCode: 3 })
  expect(seen).toContain('POST /containers/x/stop?t=0')
})

describe('a list in which one container', () => {
  const labels = {
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': 'bad',
    'xnai.backup.enable': 'true',
  }
  const listing = async (bad: { status: number; message: string }) => {
    const { docker } = JSON.parse(await readFile(endedContainer, 'utf8'))
    const engine = await engineAnswering(({ url = '' }, response) => {
      const send = (status: number, answer: object) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
      const row = { Id: 'bad', Names: ['/shop-bad-1'], Image: 'postgres:16', ImageID: 'sha256:1', State: 'running' }
      if (url.startsWith('/containers/json')) send(200, [{ Id: docker.Id }, { ...row, Labels: labels }])
      else if (url.includes('/bad/')) send(bad.status, bad)
      else if (url.includes('libpod')) send(404, { message: 'no' })
      else send(200, docker)
    })
    return engine.list(signal)
  }

  test('cannot be inspected tells the others, and of that one what the list itself says', async () => {
    const message = 'getting container from store "bad": layer not known'
    const [ended, bad] = (await listing({ status: 500, message })).toSorted((a) => (a.id === 'bad' ? 1 : -1))
    expect(ended).toMatchObject({ exitCode: 3 })
    expect(ended?.unreadable).toBeUndefined()
    expect(bad).toMatchObject({ name: 'shop-bad-1', project: 'shop', service: 'bad', labels, state: 'running' })
    expect(bad).toMatchObject({ mounts: [], unreadable: `inspect bad: HTTP 500: ${message}` })
  })

  test('vanishes before it is inspected leaves that one out', async () => {
    const found = await listing({ status: 404, message: 'no such container' })
    expect(found.map(({ exitCode }) => exitCode)).toEqual([3])
  })
})

test('an answer that is no JSON of an engine is ENGINE_FAILED', async () => {
  const engine = await engineAnswering((_request, response) => response.end('<html>a proxy says hello</html>'))
  await expect(engine.inspect('x', signal)).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
})

test('an engine that does not upgrade the connection of a command is ENGINE_FAILED', async () => {
  const engine = await engineAnswering((request, response) => {
    const isCreate = request.url === '/containers/x/exec'
    response.writeHead(isCreate ? 201 : 200, { 'content-type': 'application/json' })
    response.end(isCreate ? '{"Id":"e"}' : '{"Running":false,"ExitCode":0}')
  })
  await expect(engine.exec('x', { command: ['true'] }, signal)).rejects.toMatchObject({
    code: 'ENGINE_FAILED',
    hint: expect.stringContaining('proxy'),
  })
})
