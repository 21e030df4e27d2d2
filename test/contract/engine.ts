import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../lab/lab.ts'
import type { Engine, EngineEvent } from '../../src/engine/engine.ts'
import { execText } from '../../src/engine/exec.ts'
import type { EngineBench } from './engine-bench.ts'
import { commandContract } from './engine-commands.ts'
import { scratchContract } from './engine-scratch.ts'

export interface ContractOptions {
  /** False where another engine of the contract runs commands by the very same code. Default true. */
  commands?: boolean
}

/** What every Engine does, the fake too. Commands are run by `sh`. */
export function engineContract(
  name: string,
  make: () => Promise<EngineBench>,
  { commands = true }: ContractOptions = {},
): void {
  describe(`${name} as an Engine`, () => {
    const { signal } = new AbortController()
    let bench: EngineBench
    let engine: Engine
    beforeAll(async () => {
      bench = await make()
      engine = bench.engine
    })
    afterAll(async () => bench?.[Symbol.asyncDispose]())

    const inspect = async (id: string) => {
      const facts = await engine.inspect(id, signal)
      if (!facts) throw new Error(`no container ${id}`)
      return facts
    }
    describe('containers', () => {
      test('are listed in every state, with their compose names and full image names', async () => {
        const { name } = await bench.run({ service: 'listed', labels: { 'xnai.backup.enable': 'true' } })
        await engine.stop(name, 5, signal)
        const found = (await engine.list(signal)).find((facts) => facts.name === name)
        expect(found).toMatchObject({ service: 'listed', number: 1, oneoff: false, state: 'stopped', health: 'none' })
        expect(found?.engine).toBe((await engine.info(signal)).name)
        expect(found?.labels['xnai.backup.enable']).toBe('true')
        expect(found?.image).toMatch(/^[a-z.]+\/.+/)
      })

      test('are told by a list that may recall as they are now', async () => {
        const { name } = await bench.run({ service: 'recalled' })
        const recalled = async () => {
          const found = await engine.list(signal, { recalls: true })
          expect(found).toEqual(await engine.list(signal))
          return found.find((facts) => facts.name === name)
        }
        const first = await recalled()
        expect(await recalled()).toEqual(first)
        await engine.connectNetwork(bench.network, name, signal)
        expect((await recalled())?.networks.map((network) => network.name)).toContain(bench.network)
        await engine.disconnectNetwork(bench.network, name, signal)
        expect((await recalled())?.networks).toEqual(first?.networks)
        await engine.pause(name, signal)
        expect((await recalled())?.state).toBe('paused')
        await engine.unpause(name, signal)
        await engine.stop(name, 5, signal)
        expect((await recalled())?.state).toBe('stopped')
        await engine.start(name, signal)
        expect((await recalled())?.startedAt).not.toBe(first?.startedAt)
      })

      test('are found by id and by name, and undefined where there is none', async () => {
        const { name } = await bench.run({ service: 'found' })
        const { id } = await inspect(name)
        expect((await inspect(id)).name).toBe(name)
        expect(await engine.inspect('no-such-container', signal)).toBeUndefined()
      })

      test('stop answers the exit code, and again when it was stopped before', async () => {
        const { name } = await bench.run({ service: 'stopped' })
        const first = await engine.stop(name, 60, signal)
        expect(first.exitCode).not.toBe(137)
        expect((await inspect(name)).state).toBe('stopped')
        expect(await engine.stop(name, 60, signal)).toEqual(first)
      })

      test('stop answers 137 for a process that ignores SIGTERM', async () => {
        const { name } = await bench.run({ service: 'stubborn', ignoresTerm: true })
        expect(await engine.stop(name, 1, signal)).toEqual({ exitCode: 137 })
      })

      test('a stop whose caller has left goes on, and another one waits for its end', async () => {
        const { name } = await bench.run({ service: 'slow', endsSlowly: true })
        const { startedAt } = await inspect(name)
        const leaving = new AbortController()
        const left = engine.stop(name, 60, leaving.signal)
        const hasBegun = async () => (await inspect(name)).state === bench.stateInStop
        await eventually(hasBegun, 60, 'the stop to be under way')
        leaving.abort(new Error('the caller leaves'))
        await expect(left).rejects.toThrow('the caller leaves')
        expect((await engine.stop(name, 60, signal)).exitCode).not.toBe(137)
        expect(await inspect(name)).toMatchObject({ state: 'stopped', startedAt })
      })

      test('start runs it anew, and leaves alone what runs', async () => {
        const { name } = await bench.run({ service: 'started' })
        const before = await inspect(name)
        await engine.stop(name, 5, signal)
        await engine.start(name, signal)
        const after = await inspect(name)
        expect(after.state).toBe('running')
        expect(after.startedAt).not.toBe(before.startedAt)
        await engine.start(name, signal)
        expect((await inspect(name)).startedAt).toBe(after.startedAt)
      })

      test('pause and unpause hold it and let it go, twice is once', async () => {
        const { name } = await bench.run({ service: 'paused' })
        const { startedAt } = await inspect(name)
        await engine.pause(name, signal)
        await engine.pause(name, signal)
        expect((await inspect(name)).state).toBe('paused')
        await engine.unpause(name, signal)
        await engine.unpause(name, signal)
        expect(await inspect(name)).toMatchObject({ state: 'running', startedAt })
      })

      test('stop ends a paused one too', async () => {
        const { name } = await bench.run({ service: 'frozen' })
        await engine.pause(name, signal)
        await engine.stop(name, 5, signal)
        expect((await inspect(name)).state).toBe('stopped')
      })

      test.each(['stop', 'start', 'pause', 'unpause', 'exec'] as const)(
        '%s of none is NO_SUCH_CONTAINER',
        async (verb) => {
          const acts = {
            stop: () => engine.stop('no-such-container', 1, signal),
            start: () => engine.start('no-such-container', signal),
            pause: () => engine.pause('no-such-container', signal),
            unpause: () => engine.unpause('no-such-container', signal),
            exec: () => execText(engine, 'no-such-container', { command: ['true'], timeoutSeconds: 30 }, signal),
          }
          await expect(acts[verb]()).rejects.toMatchObject({ code: 'NO_SUCH_CONTAINER' })
        },
      )

      test('join and leave a network, twice is once', async () => {
        const { name } = await bench.run({ service: 'joining' })
        const joined = async () => (await inspect(name)).networks.find((network) => network.name === bench.network)
        await engine.connectNetwork(bench.network, name, signal)
        await engine.connectNetwork(bench.network, name, signal)
        expect((await joined())?.address).toMatch(/^[0-9a-f.:]+$/)
        await engine.disconnectNetwork(bench.network, name, signal)
        await engine.disconnectNetwork(bench.network, name, signal)
        expect(await joined()).toBeUndefined()
      })

      test('cannot join a network that is not there', async () => {
        const { name } = await bench.run({ service: 'lonely' })
        await expect(engine.connectNetwork('no-such-network', name, signal)).rejects.toMatchObject({
          code: 'ENGINE_FAILED',
          message: expect.stringContaining('no-such-network'),
        })
      })
    })

    if (commands) commandContract(() => bench)
    scratchContract(() => bench)

    test('events begin with a resync, tell of starts and ends, and end with the signal', async () => {
      const { name } = await bench.run({ service: 'watched' })
      const { id } = await inspect(name)
      const controller = new AbortController()
      const seen: EngineEvent[] = []
      const watching = (async () => {
        for await (const event of engine.events(controller.signal)) seen.push(event)
      })()
      await eventually(() => seen.length > 0, 60, 'the first resync')
      expect(seen[0]).toEqual({ action: 'resync', containerId: '' })
      await engine.stop(name, 5, signal)
      await engine.start(name, signal)
      const has = (action: string) => seen.some((event) => event.action === action && event.containerId === id)
      await eventually(() => has('die') && has('start'), 60, 'die and start')
      controller.abort()
      expect(await watching).toBeUndefined()
    })
  })
}
