import { fakeEngine } from '../fakes/engine.ts'
import { localCommands } from '../fakes/local-commands.ts'
import { engineContract } from './engine.ts'

engineContract('the fake', async () => {
  const engine = fakeEngine({ commands: [localCommands], networks: ['spare'] })
  return {
    engine,
    network: 'spare',
    run: async ({ service, ...more }) => {
      engine.add({ name: `shop-${service}-1`, project: 'shop', service, number: 1, ...more })
      return { name: `shop-${service}-1` }
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
})
