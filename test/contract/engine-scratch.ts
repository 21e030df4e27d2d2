import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Engine, ScratchMount, ScratchRequest } from '../../src/engine/engine.ts'
import { execText } from '../../src/engine/exec.ts'
import { scratchLabels, scratchName } from '../../src/labels/scratch.ts'
import type { EngineBench } from './engine-bench.ts'

/** What every Engine does for drills. `open` answers the bench once its containers can run. */
export function scratchContract(open: () => EngineBench): void {
  describe('scratch things', () => {
    const { signal } = new AbortController()
    const run = randomBytes(4).toString('hex')
    const labels = scratchLabels({ run, state: 'state', until: '2026-12-01T00:00:00.000Z' })
    const [network, volume, container] = ['network', 'volume', 'container'].map((part) => scratchName(run, part)) as [
      string,
      string,
      string,
    ]
    let engine: Engine
    let service: string
    beforeAll(async () => {
      engine = open().engine
      service = (await open().run({ service: 'original', environment: { MODE: 'a=b' }, labels: { own: 'yes' } })).name
    })

    const inspect = async (id: string) => {
      const facts = await engine.inspect(id, signal)
      if (!facts) throw new Error(`no container ${id}`)
      return facts
    }
    const mine = async () =>
      (await engine.listScratch(signal))
        .filter(({ name }) => name.includes(run))
        .map(({ kind, name }) => `${kind} ${name}`)
    const request = async (mounts: ScratchMount[]): Promise<ScratchRequest> => ({
      ...{ name: container, like: service, imageId: (await inspect(service)).imageId, labels, network, mounts },
      ...{ aliases: ['original'], memoryBytes: 256 * 1024 * 1024, cpus: 1 },
    })

    test('are a network, a volume, and a container with the program of another one and nothing else of it', async () => {
      const before = await inspect(service)
      await engine.createNetwork(network, labels, signal)
      const { path } = await engine.createVolume(volume, labels, signal)
      expect(existsSync(path)).toBe(true)
      const mounts: ScratchMount[] = [
        { kind: 'bind', source: path, destination: '/data', writable: true },
        { kind: 'memory', destination: '/scratch' },
      ]
      const made = await engine.createScratch(await request(mounts), signal)
      expect(made).toMatchObject({ name: container, state: 'created', imageId: before.imageId, health: 'none' })
      expect(made.environment.get('MODE')).toBe('a=b')
      expect(made.labels).toMatchObject(labels)
      expect(made.labels).not.toHaveProperty('own')
      expect(made).not.toHaveProperty('project')
      expect(made).not.toHaveProperty('published')
      expect(made.mounts.map(({ destination }) => destination).toSorted()).toEqual(['/data', '/scratch'])
      expect(made.mounts).toContainEqual(expect.objectContaining({ kind: 'bind', source: path, writable: true }))

      await engine.start(container, signal)
      const running = await inspect(container)
      expect(running.state).toBe('running')
      expect(running.networks).toEqual([expect.objectContaining({ name: network, address: expect.any(String) })])
      const { stdout } = await execText(
        engine,
        container,
        { command: ['sh', '-c', 'echo in'], timeoutSeconds: 30 },
        signal,
      )
      expect(stdout).toBe('in\n')
      expect((await mine()).toSorted()).toEqual(
        [`container ${container}`, `network ${network}`, `volume ${volume}`].toSorted(),
      )
      expect(await inspect(service)).toEqual(before)
    })

    test('are removed, twice is once, and a network not while it is used', async () => {
      await expect(engine.removeScratch({ kind: 'network', name: network }, signal)).rejects.toMatchObject({
        code: 'ENGINE_FAILED',
      })
      for (const _ of ['once', 'twice']) {
        await engine.removeScratch({ kind: 'container', name: container }, signal)
        await engine.removeScratch({ kind: 'volume', name: volume }, signal)
        await engine.removeScratch({ kind: 'network', name: network }, signal)
      }
      expect(await mine()).toEqual([])
      expect(await engine.inspect(container, signal)).toBeUndefined()
      expect((await inspect(service)).state).toBe('running')
    })

    test('that are not made by a drill are not removed', async () => {
      await expect(engine.removeScratch({ kind: 'container', name: service }, signal)).rejects.toMatchObject({
        code: 'INTERNAL',
      })
      await expect(engine.removeScratch({ kind: 'network', name: open().network }, signal)).rejects.toMatchObject({
        code: 'INTERNAL',
      })
      expect((await inspect(service)).state).toBe('running')
    })

    test('are not made of an image that is gone', async () => {
      const gone = { ...(await request([])), imageId: `sha256:${'0'.repeat(64)}` }
      await expect(engine.createScratch(gone, signal)).rejects.toMatchObject({ code: 'IMAGE_GONE' })
    })
  })
}
