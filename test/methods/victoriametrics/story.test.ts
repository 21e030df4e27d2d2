import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { eventually, servicesImage } from '../../../lab/lab.ts'
import { openStory, states } from '../../support/story.ts'
import { hostPath } from '../shared/subject.ts'
import { type Instance, keyed, keyLabel, labels, place, startMetrics, upTo, write } from './server.ts'

const story = await openStory('victoriametrics-story')
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

/** Writes one point after another, each of its moment, until it is disposed. */
async function startWriter(
  instance: Instance,
  from: number,
): Promise<{ written(): Promise<number> } & AsyncDisposable> {
  const script = `n=${from}; while sleep 0.1; do
    curl -sS -d "counter $n" localhost:8428/api/v1/import/prometheus || exit; echo $n >/tmp/written; n=$((n+1)); done`
  const name = `${instance.container.name}-writer`
  const network = `container:${instance.container.name}`
  await lab.podman(['run', '--detach', '--name', name, '--network', network, servicesImage, 'sh', '-c', script])
  await eventually(async () => (await instance.values()).length > from + 10, 60, 'the writer writes')
  return {
    /** The newest point that the server has taken. It may not show it yet. */
    written: async () => {
      // The file is empty for a moment whenever it is written.
      const read = async () => Number(await lab.exec(name, ['cat', '/tmp/written']))
      return await eventually(read, 60, 'the number of the newest point')
    },
    [Symbol.asyncDispose]: async () => void (await lab.podman(['rm', '--force', '--time', '0', name])),
  }
}

test('VictoriaMetrics, backed up while points come in, destroyed and restored, has one state', async () => {
  const instance = await startMetrics(story, {
    name: 'db',
    labels: labels(keyLabel),
    env: keyed.env,
    flags: [...keyed.flags, '-inmemoryDataFlushInterval=5s'],
  })
  await write(instance, 1, 500)
  const { State } = await lab.inspect(instance.container.name)
  let written: number
  {
    await using writer = await startWriter(instance, 501)
    await story.backUp('db')
    written = await writer.written()
  }
  expect((await lab.inspect(instance.container.name)).State.StartedAt, 'it was never stopped').toBe(State.StartedAt)
  expect(await instance.snapshots(), 'no snapshot is left on the server').toEqual([])

  const result = await story.restore('db')
  expect(result.checks.map(({ name }: { name: string }) => name)).toEqual(
    expect.arrayContaining(['series', 'sample of 3 series', `${place}/data/small as it was packed`]),
  )
  const values = await instance.values()
  expect(values).toEqual(upTo(values.length))
  expect(values.length).toBeGreaterThan(510)
  expect(values.length).toBeLessThanOrEqual(written)

  // Into a storage that is gone, of a server that is down.
  await lab.podman(['stop', instance.container.name])
  const root = await hostPath(lab, instance.container, place)
  for (const entry of await readdir(root)) await rm(join(root, entry), { recursive: true })
  await story.restore('db', '--no-safety')
  expect(await states(lab), 'it was stopped, and is again').toMatchObject({ db: 'exited' })
  await lab.podman(['start', instance.container.name])
  await eventually(async () => (await instance.values()).length === values.length, 60, 'all points are back')
})
