import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { joinNetwork } from '../../../src/job/join-network.ts'
import { setJobStage } from './stage.ts'

async function setNetworkStage() {
  const stage = setJobStage(
    () => [
      { name: 'one', networks: [{ name: 'foreign', address: '10.0.0.5' }] },
      { name: 'two', networks: [{ name: 'foreign', address: '10.0.0.6' }] },
      { name: 'self', networks: [] },
    ],
    { networks: ['foreign'] },
  )
  const idOf = async (name: string) => (await stage.parts.engine.inspect(name, stage.signal))?.id ?? ''
  stage.parts.settings = { ...stage.parts.settings, selfId: await idOf('self') }
  const networks = async () =>
    (await stage.parts.engine.inspect('self', stage.signal))?.networks.map(({ name }) => name)
  return { stage, networks, join: async (name: string) => joinNetwork(stage.parts, await idOf(name), stage.signal) }
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
