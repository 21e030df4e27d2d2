import { connectEngine } from '../../src/engine/podman.ts'
import { startLab } from '../support/lab.ts'
import { engineContract } from './engine.ts'

engineContract('Podman', async () => {
  const lab = await startLab('engine')
  await lab.podman(['network', 'create', `${lab.project}_spare`])
  return {
    engine: connectEngine(`unix://${lab.socket}`),
    network: `${lab.project}_spare`,
    run: ({ service, ignoresTerm, labels }) => {
      const trap = ignoresTerm ? "trap '' TERM" : 'trap exit TERM'
      const command = ['sh', '-c', `${trap}; while :; do sleep 0.1; done`]
      return lab.run({ name: service, command, ...(labels && { labels }) })
    },
    [Symbol.asyncDispose]: () => lab.stop(),
  }
})
