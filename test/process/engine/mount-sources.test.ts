import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { ContainerFacts, Engine } from '../../../src/engine/engine.ts'
import { ownPath } from '../../../src/engine/host-paths.ts'
import { knowingSources } from '../../../src/engine/mount-sources.ts'
import { files } from '../../../src/methods/files/index.ts'
import { makePlan } from '../../../src/plan/make-plan.ts'
import { bind, container, enabled, settings, volume } from '../../unit/plan/build.ts'

const { signal } = new AbortController()

/** A folder that stands for the root of the host, as a controller sees it: `/var/run` leads to `/run`, which holds a socket and a fifo. */
async function makeHost(): Promise<(hostPath: string) => string | undefined> {
  const root = await mkdtemp(join(tmpdir(), 'xnai-test-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const folder of ['run', 'var', 'srv']) mkdirSync(join(root, folder))
  symlinkSync('/run', join(root, 'var/run'))
  writeFileSync(join(root, 'srv/app.toml'), '')
  execFileSync('mkfifo', [join(root, 'run/pipe')])
  const server = createServer().listen(join(root, 'run/docker.sock'))
  onTestFinished(() => void server.close())
  return (hostPath) => ownPath([bind('/', root)], hostPath)
}

async function lookAt(containers: ContainerFacts[]) {
  const bare = { list: async () => containers, inspect: async (id: string) => containers.find((one) => one.id === id) }
  const engine = knowingSources(bare as unknown as Engine, await makeHost())
  return { engine, seen: await engine.list(signal) }
}

test('sockets and devices are no default paths, and their containers no writers of one another', async () => {
  const socket = bind('/var/run/docker.sock', '/var/run/docker.sock')
  const proxy = container('proxy', {
    labels: enabled(),
    mounts: [volume('data', '/data'), socket, bind('/run/pipe', '/pipe'), bind('/srv/app.toml', '/app.toml')],
  })
  const { seen } = await lookAt([proxy, container('watcher', { mounts: [socket] }), container('other')])
  const { targets, problems } = makePlan(seen, settings, { files })
  expect(problems).toEqual([])
  expect(targets.map(({ paths }) => paths)).toEqual([['/app.toml', '/data']])
  expect(targets[0]?.quiesced.map(({ name }) => name)).toEqual(['shop-proxy-1'])
})

test('what is asked for one container says the same of its mounts', async () => {
  const mounts = ['/var/run/docker.sock', '/run/pipe', '/dev/null', '/srv', '/gone'].map((source) =>
    bind(source, source),
  )
  const { engine } = await lookAt([container('one', { mounts })])
  const facts = await engine.inspect('id-one', signal)
  expect(facts?.mounts.map(({ source, kind, special }) => [source, kind, special])).toEqual([
    ['/var/run/docker.sock', 'other', 'socket'],
    ['/run/pipe', 'other', 'device'],
    ['/dev/null', 'bind', undefined],
    ['/srv', 'bind', undefined],
    ['/gone', 'bind', undefined],
  ])
})
