import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { findHostAddress } from '../../../src/job/host-address.ts'
import { joinNetwork } from '../../../src/job/join-network.ts'
import type { FakeContainer } from '../../fakes/engine.ts'
import { setJobStage } from './stage.ts'

async function setNetworkStage(more: FakeContainer[] = []) {
  const stage = setJobStage(
    () => [
      { name: 'one', networks: [{ name: 'foreign', address: '10.0.0.5' }] },
      { name: 'two', networks: [{ name: 'foreign', address: '10.0.0.6' }] },
      { name: 'self', networks: [] },
      ...more,
    ],
    { networks: ['foreign'] },
  )
  const facts = async (name: string) => await stage.parts.engine.inspect(name, stage.signal)
  const idOf = async (name: string) => (await facts(name))?.id ?? ''
  stage.parts.settings = { ...stage.parts.settings, selfId: await idOf('self') }
  const networks = async () => (await facts('self'))?.networks.map(({ name }) => name)
  return {
    stage,
    networks,
    facts,
    idOf,
    join: async (name: string) => joinNetwork(stage.parts, await idOf(name), stage.signal),
  }
}

test('a run that needs a network which another one joined waits until that one has left, and joins it itself', async () => {
  const { networks, join } = await setNetworkStage()
  const first = await join('one')
  const second = join('two')
  await sleep(200)
  await first[Symbol.asyncDispose]()
  const connected = await second
  expect(connected.host).toBe('10.0.0.6')
  expect(await networks()).toEqual(['foreign'])
  await connected[Symbol.asyncDispose]()
  expect(await networks()).toEqual([])
})

test('a network that cannot be left is left by a later recovery, and no other run waits for it', async () => {
  const { stage, join } = await setNetworkStage()
  const { engine, catalog } = stage.parts
  const disconnect = engine.disconnectNetwork
  const connected = await join('one')
  engine.disconnectNetwork = () => Promise.reject(new Error('engine away'))
  await expect(connected[Symbol.asyncDispose]()).rejects.toThrow('engine away')
  engine.disconnectNetwork = disconnect
  expect(catalog.holders()).toEqual([])
  expect(catalog.claimOrphans()).toMatchObject([{ intent: { kind: 'leave-network', network: 'foreign' } }])
})

const setHostStage = () =>
  setNetworkStage([
    { name: 'gated', networks: [{ name: 'shop', address: '10.1.0.2', gateway: '10.1.0.1' }] },
    { name: 'self-on-host', networks: [], onHostNetwork: true },
    { name: 'service', networks: [], onHostNetwork: true },
    { name: 'sidecar', networks: [], joins: 'service' },
  ])

test('a service on the host’s own network, or one that shares its network, is reached at the address of the host', async () => {
  const { stage, join, facts, idOf } = await setHostStage()
  stage.parts.settings = { ...stage.parts.settings, selfId: await idOf('gated') }
  const expected = findHostAddress(await facts('gated'), readFileSync('/etc/hosts', 'utf8'))
  expect((await join('service')).host).toBe(expected)
  expect((await join('sidecar')).host).toBe(expected)
  stage.parts.settings = { ...stage.parts.settings, selfId: await idOf('self-on-host') }
  expect((await join('service')).host).toBe('127.0.0.1')
})

test('a controller on the host’s network reaches every container without joining a network', async () => {
  const { stage, join, facts, idOf } = await setHostStage()
  stage.parts.settings = { ...stage.parts.settings, selfId: await idOf('self-on-host') }
  expect((await join('one')).host).toBe('10.0.0.5')
  expect((await facts('self-on-host'))?.networks).toEqual([])
})
