import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeEngine, fakeEngine } from '../fakes/engine.ts'
import { fileWorld } from '../fakes/engine-world.ts'
import { localCommands } from '../fakes/local-commands.ts'
import { engineContract } from './engine.ts'
import type { EngineBench } from './engine-bench.ts'

const options = {
  commands: [localCommands],
  networks: ['spare'],
  missingImages: [`sha256:${'0'.repeat(64)}`],
  stopMs: 2000,
}
const common = { network: 'spare', stateInStop: 'stopping' } as const

const run =
  (engine: FakeEngine): EngineBench['run'] =>
  async ({ service, ...more }) => {
    const { name } = engine.add({ name: `shop-${service}-1`, project: 'shop', service, number: 1, ...more })
    return { name }
  }

engineContract('the fake in memory', async () => {
  const engine = fakeEngine(options)
  return {
    engine,
    ...common,
    run: run(engine),
    [Symbol.asyncDispose]: async () => undefined,
  }
})

/** Containers are added through another opening of the file, as another process would. */
const openInFile = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fake-engine-'))
  const [mine, others] = [fileWorld(join(folder, 'world')), fileWorld(join(folder, 'world'))]
  return {
    engine: fakeEngine({ ...options, world: mine }),
    ...common,
    run: run(fakeEngine({ world: others })),
    [Symbol.asyncDispose]: async () => {
      for (const world of [mine, others]) world[Symbol.dispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

engineContract('the fake in a file', openInFile, { commands: false })
