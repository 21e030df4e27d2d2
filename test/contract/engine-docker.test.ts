import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Lab, redisImage, startLab } from '../../lab/lab.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { execText } from '../../src/engine/exec.ts'
import { locate } from '../../src/engine/host-paths.ts'
import { connectEngine } from '../../src/engine/podman.ts'
import { findSelf } from '../../src/engine/self.ts'
import { engineContract } from './engine.ts'
import { forever, openEngineLab } from './engine-lab.ts'

engineContract('Docker', () => openEngineLab({ engine: 'docker' }, { image: redisImage }))

describe('Docker', () => {
  const { signal } = new AbortController()
  let lab: Lab
  let engine: Engine
  beforeAll(async () => {
    lab = await startLab('engine', { engine: 'docker' })
    engine = connectEngine(lab.socket)
  })
  afterAll(async () => lab?.stop())

  const run = (name: string, args: string[]) => lab.run({ name, image: redisImage, command: forever(), args })

  test('says what it is', async () => {
    const { name, version } = await engine.info(signal)
    expect(name).toBe('docker')
    expect(version).toMatch(/^\d+\.\d+\.\S+$/)
    expect(await engine.isRootless(signal)).toBe(false)
  })

  test('tells of volumes, binds, scratch space, joined networks and its own grace', async () => {
    const { id } = await run('holder', [
      ...['--volume', 'data:/data', '--volume', `${lab.dir}:/bound:ro`, '--tmpfs', '/scratch', '--user', '1000:1000'],
      ...['--stop-timeout', '7', '--env', 'MODE=a=b'],
    ])
    const joining = ['run', '--detach', '--network', `container:${id}`, redisImage, ...forever()]
    const guest = (await lab.podman(joining)).trim()
    const facts = await engine.inspect(id, signal)
    expect(facts).toMatchObject({ user: '1000:1000', stopTimeoutSeconds: 7, image: redisImage })
    expect(facts?.environment.get('MODE')).toBe('a=b')
    const at = (path: string) => locate(facts as never, path)
    expect(at('/data/dump.rdb')).toMatchObject({ mount: { kind: 'volume', name: 'data', writable: true } })
    expect(at('/bound/file')).toMatchObject({ hostPath: `${lab.dir}/file`, mount: { kind: 'bind', writable: false } })
    expect(at('/scratch/file')).toBeUndefined()
    expect(await engine.inspect(guest, signal)).toMatchObject({ joins: id })
  })

  test('finds its own container by what that container sees, also where its host name is its own choice', async () => {
    const { id } = await run('self', ['--hostname', 'backup', '--volume', '/:/host:rslave'])
    await run('other', [])
    const read = async (path: string) =>
      (await execText(engine, id, { command: ['cat', path], timeoutSeconds: 30 }, signal)).stdout
    const traces = { hostname: 'backup', mountinfo: await read('/proc/self/mountinfo'), containerenv: '' }
    expect((await findSelf(engine, signal, traces))?.id).toBe(id)
    expect(await findSelf(engine, signal)).toBeUndefined()
  })
})
