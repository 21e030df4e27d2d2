import type { Readable } from 'node:stream'
import { eventually, type LabOptions, type LabService, startLab } from '../../lab/lab.ts'
import { connectEngine } from '../../src/engine/podman.ts'
import type { EngineBench } from './engine-bench.ts'

/** A command that runs until it is told to end. A signal that comes before `/tmp/up` is there is lost: process 1 ignores it. */
export const forever = (onTerm = 'exit') => [
  ...['sh', '-c'],
  `trap '${onTerm}' TERM; : >/tmp/up; sleep infinity & wait`,
]

/** The contract's containers in a lab of their own. */
export async function openEngineLab(
  options: LabOptions = {},
  service: Pick<LabService, 'image'> = {},
): Promise<EngineBench> {
  const lab = await startLab('engine', options)
  const network = `${lab.project}_spare`
  await lab.podman(['network', 'create', network])
  return {
    engine: connectEngine(`unix://${lab.socket}`),
    network,
    // Docker has no word for it.
    stateInStop: options.engine === 'docker' ? 'running' : 'stopping',
    run: async ({ service: name, ignoresTerm, endsSlowly, labels, environment }) => {
      const command = forever(ignoresTerm ? '' : endsSlowly ? 'sleep 4; exit' : 'exit')
      const container = await lab.run({
        ...service,
        name,
        command,
        ...(labels && { labels }),
        ...(environment && { env: environment }),
      })
      await eventually(
        async () => (await container.exec(['test', '-e', '/tmp/up'])) === '',
        60,
        `${name} heeds signals`,
      )
      return container
    },
    [Symbol.asyncDispose]: () => lab.stop(),
  }
}

/** Reads a stream to its end. */
export async function countBytes(stream: Readable): Promise<number> {
  let bytes = 0
  for await (const chunk of stream) bytes += chunk.length
  return bytes
}
