import { expect, test } from 'vitest'
import { connectEngine } from '../../../src/engine/podman.ts'
import { libpodServer, type ServedContainer } from '../../support/libpod-server.ts'

const { signal } = new AbortController()

/** An engine with containers, of which passes have inspected all. Each later pass inspects one of the longest known, at most the fourth here. */
async function openServer(count = 20) {
  const server = await libpodServer()
  for (let index = 0; index < count; index++) server.add(`app-${index}`)
  const engine = connectEngine(server.address)
  const pass = () => engine.list(signal, { recalls: true })
  const first = await pass()
  const asked = server.asked()
  const find = async (wanted: ServedContainer) => (await pass()).find(({ id }) => id === wanted.id)
  const at = (index: number) => server.containers[index] as ServedContainer
  return { server, engine, first, asked, pass, find, at }
}

test('a pass over 500 containers inspects a sixtieth of them when nothing has changed', async () => {
  const { server, first, asked, pass } = await openServer(500)
  expect(asked).toMatchObject({ lists: 1, inspected: { length: 500 } })
  expect(await pass()).toEqual(first)
  expect(server.asked()).toMatchObject({ lists: 1, inspected: { length: 9 } })
})

test('sixty passes inspect every container, so that what no list tells is known then', async () => {
  const { server, pass, find, at } = await openServer(65)
  at(50).restart = 'always'
  const inspected: string[] = []
  for (let count = 0; count < 60; count++) {
    await pass()
    inspected.push(...server.asked().inspected)
  }
  expect(new Set(inspected).size).toBe(65)
  expect((await find(at(50)))?.restart).toBe('always')
})

test('a list that may not recall inspects everything, and a pass learns nothing of it', async () => {
  const { server, engine, pass } = await openServer()
  await engine.list(signal)
  expect(server.asked()).toMatchObject({ lists: 1, inspected: { length: 20 } })
  await pass()
  expect(server.asked()).toMatchObject({ lists: 1, inspected: { length: 1 } })
})

test('a pass sees every change that the list of the engine shows', async () => {
  const changes: [change: Partial<ServedContainer>, seen: object][] = [
    [{ networks: ['shop_default', 'web'] }, { networks: [{ name: 'shop_default' }, { name: 'web' }] }],
    [{ networks: [] }, { networks: [] }],
    [{ name: 'other' }, { name: 'other' }],
    [{ state: 'exited', pid: 0 }, { state: 'stopped' }],
    [{ state: 'paused' }, { state: 'paused' }],
    [{ health: 'healthy' }, { health: 'healthy' }],
    [{ startedAt: '2026-12-01T03:00:00.5Z' }, { startedAt: '2026-12-01T03:00:00.5Z' }],
    // Within the same second as before.
    [{ startedAt: '2026-12-01T02:00:00.9Z', pid: 4711 }, { startedAt: '2026-12-01T02:00:00.9Z' }],
  ]
  const { server, pass } = await openServer()
  const changed = server.containers.slice(-changes.length)
  changed.forEach((container, index) => void Object.assign(container, changes[index]?.[0]))
  const found = new Map((await pass()).map((facts) => [facts.id, facts]))
  expect(changed.map(({ id }) => found.get(id))).toMatchObject(changes.map(([, seen]) => seen))
  expect(server.asked().inspected).toHaveLength(1 + changes.length)
})

test('a pass knows the one that was made anew under the same name, and nothing of the one that is gone', async () => {
  const { server, pass, at } = await openServer()
  const old = at(10)
  server.containers.splice(10, 1, { ...old, id: 'f'.repeat(64), restart: 'always' })
  const found = (await pass()).filter(({ name }) => name === old.name)
  expect(found).toMatchObject([{ id: 'f'.repeat(64), restart: 'always' }])
  server.containers.splice(10, 1)
  expect(await pass()).toHaveLength(19)
  server.containers.push(old)
  server.asked()
  await pass()
  expect(server.asked().inspected).toContain(old.id)
})

test('a pass sees another network of the container whose network others share', async () => {
  const { server, pass, find, at } = await openServer()
  const sidecar = server.add('sidecar', { networks: [], joins: at(10).id })
  const second = server.add('second', { networks: [], joins: sidecar.id })
  await pass()
  server.asked()
  await pass()
  expect(server.asked().inspected).toHaveLength(1)
  for (const networks of [[], ['web']]) {
    at(10).networks = networks
    const seen = networks.map((name) => ({ name }))
    expect(await find(sidecar)).toMatchObject({ networks: seen })
    expect(await find(second)).toMatchObject({ networks: seen })
  }
})

test('what was paused only while it was inspected is not taken for paused later', async () => {
  const { server, find, at } = await openServer()
  const [old, anew] = [at(10), { ...at(10), id: 'f'.repeat(64) }]
  server.containers[10] = anew
  server.hooks.onInspect = (container) => Object.assign(container, { state: 'paused' })
  expect(await find(anew)).toMatchObject({ state: 'paused' })
  expect(await find(old)).toBeUndefined()
  server.hooks.onInspect = () => undefined
  anew.state = 'running'
  expect(await find(anew)).toMatchObject({ state: 'running' })
})
