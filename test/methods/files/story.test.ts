import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LabContainer } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import { type Scan, scanTree } from '../../support/scan-tree.ts'
import { backedUp, dependingOn, openStory, startTimes, states } from '../../support/story.ts'
import { idle } from '../shared/subject.ts'

const story = await openStory('files-story')
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

let app: LabContainer
/** What is restored, on the host. */
let data: string
let bind: string
let configuration: string

beforeAll(async () => {
  bind = join(lab.dir, 'files', 'bind')
  configuration = join(lab.dir, 'files', 'app.conf')
  mkdirSync(bind)
  writeFileSync(configuration, 'mode = old\n', { mode: 0o640 })
  for (const path of [bind, configuration]) chownSync(path, 1000, 1000)
  app = await lab.run({
    name: 'app',
    command: idle,
    user: '1000:1000',
    env: { APP_PASSWORD: newSecret('app') },
    volumes: ['data:/data:U', `${bind}:/bind`, `${configuration}:/etc/app.conf`],
    labels: backedUp('files', { exclude: 'cache', 'stop-timeout': '20s' }),
  })
  const volumes = ['data:/data']
  await lab.run({ name: 'peer', command: idle, volumes, labels: dependingOn('app') })
  await lab.run({ name: 'frozen', command: idle, volumes })
  await lab.run({ name: 'idle', command: idle, volumes })
  await lab.run({ name: 'stranger', command: idle })
  await lab.podman(['pause', `${lab.project}-frozen-1`])
  await lab.podman(['stop', '--time', '10', `${lab.project}-idle-1`])
  data = (await lab.podman(['volume', 'inspect', '--format', '{{.Mountpoint}}', 'data'])).trim()
})
const onHost = (folder: string, script: string) => execFileSync('sh', ['-ec', script], { cwd: folder })

function write(): void {
  for (const folder of [data, bind]) onHost(folder, 'find . -mindepth 1 -delete')
  onHost(
    data,
    `mkdir -p index/deep empty cache 'with space'; seq 100000 >index/vectors;
    head -c 3000000 /dev/urandom >index/deep/blob
    ln index/vectors index/same; ln -s ../index/vectors 'with space/link'; ln -s /nowhere index/broken;
    echo cached >cache/entry
    chown -R 1000:1000 .; echo www >index/www; chown 33:44 index/www; chmod 4755 index/www; chmod 700 empty
    touch -d '2020-02-02 02:02:02.123456789Z' index/vectors 'with space'`,
  )
  onHost(
    bind,
    `chown 1000:1000 .; chmod 755 .; echo bound >file; chown 1000:1000 file; mkdir folder; echo inner >folder/inner`,
  )
  writeFileSync(configuration, 'mode = old\n')
}

function destroy(): void {
  onHost(
    data,
    `rm -r index/deep empty; echo spoiled >index/vectors; chown 0:0 index/www; chmod 644 index/www; echo stray >stray
    mkdir -p empty-no-more; rm 'with space/link'; mkdir 'with space/link'; echo newer >cache/entry; touch index/www`,
  )
  onHost(bind, 'rm -r folder; echo destroyed >file; chown 5:5 .; chmod 777 .')
  writeFileSync(configuration, 'mode = destroyed\n')
}

/** Everything but what is excluded. */
const scan = (): Scan => {
  const { cache, 'cache/entry': entry, ...rest } = scanTree(data)
  const named = (prefix: string, tree: Scan) =>
    Object.fromEntries(Object.entries(tree).map(([path, line]) => [`${prefix}/${path}`, line]))
  return {
    ...named('data', rest),
    ...named('bind', scanTree(bind)),
    configuration: readFileSync(configuration, 'utf8'),
  }
}

const running = { app: 'running', frozen: 'paused', idle: 'exited', peer: 'running', stranger: 'running' }
const started = async (name: string) => (await lab.inspect(`${lab.project}-${name}-1`)).State.StartedAt

describe('a volume, a bind mount and a single file, with other containers on the volume', () => {
  test('are backed up with every writer down, and come back as they were', async () => {
    write()
    const { project } = lab
    const before = scan()
    const untouched = [await started('frozen'), await started('stranger')]
    const { exitCode, json } = await story.call(['backup', 'app'])
    expect(exitCode).toBe(0)
    expect(json.targets[0]).toMatchObject({
      outcome: 'complete',
      method: 'files',
      stopped: [`${project}-peer-1`, `${project}-app-1`],
    })
    expect(json.targets[0].downtimeSeconds).toBeGreaterThan(0)
    expect(await states(lab)).toEqual(running)
    expect((await started('app')) < (await started('peer')), 'app is up before what depends on it').toBe(true)

    destroy()
    expect(scan()).not.toEqual(before)
    const { checks, safetySnapshot } = await story.restore('app')
    expect(checks).toHaveLength(3)
    expect(safetySnapshot).toBeTypeOf('string')
    expect(scan()).toEqual(before)
    expect(readFileSync(join(data, 'cache/entry'), 'utf8')).toBe('newer\n')
    expect(await app.exec(['cat', '/data/index/www', '/bind/folder/inner', '/etc/app.conf'])).toBe(
      'www\ninner\nmode = old\n',
    )
    expect(await states(lab)).toEqual(running)
    expect([await started('frozen'), await started('stranger')]).toEqual(untouched)
    expect((await started('app')) < (await started('peer')), 'the same order again').toBe(true)
  })

  test('the safety snapshot is the way back', async () => {
    write()
    const id = await story.backUp('app')
    destroy()
    const destroyed = scan()
    const { safetySnapshot } = await story.restore('app', '--at', id)
    await story.restore('app', '--at', safetySnapshot)
    expect(scan()).toEqual(destroyed)
  })

  test('--at takes the newest snapshot before an instant', async () => {
    write()
    await story.backUp('app')
    const { snapshots } = (await story.call(['list', 'app'])).json
    const instant = snapshots
      .map(({ time }: { time: string }) => time)
      .sort()
      .at(-1)
    onHost(bind, 'echo later >file')
    const later = await story.backUp('app')
    const { snapshot } = await story.restore('app', '--at', instant)
    expect(snapshot).not.toBe(later)
    expect(readFileSync(join(bind, 'file'), 'utf8')).toBe('bound\n')
  })

  test('--only takes files and folders out of it and leaves the rest', async () => {
    write()
    const whole = scan()
    const id = await story.backUp('app')
    destroy()
    const destroyed = scan()
    const { checks } = await story.restore(
      'app',
      '--at',
      id,
      '--only',
      '/data/index/deep/',
      '--only',
      '/data/index/www',
      '--only',
      '/bind/file',
    )
    expect(checks).toMatchObject([{ ok: true }, { ok: true }])
    const now = scan()
    const restored = ['data/index/deep', 'data/index/deep/blob', 'data/index/www', 'bind/file']
    for (const path of restored) expect(now[path], path).toBe(whole[path])
    const untouched = ['data/stray', 'data/empty-no-more', 'data/index/vectors', 'configuration']
    for (const path of untouched) expect(now[path], path).toBe(destroyed[path])
    expect(now['bind/folder/inner']).toBeUndefined()
    expect(await states(lab)).toEqual(running)
  })

  test('--to writes beside the stack and touches nothing of it', async () => {
    write()
    const id = await story.backUp('app')
    const { whole, before } = { whole: scan(), before: await startTimes(lab) }
    const to = join(lab.dir, 'files', 'beside')
    rmSync(to, { recursive: true, force: true })
    mkdirSync(to)
    const { exitCode, json, stderr } = await story.call(['restore', 'app', '--at', id, '--to', to])
    expect(json.outcome, stderr).toBe('complete')
    expect(exitCode).toBe(0)
    const beside = scanTree(join(to, 'app', 'data'))
    expect(Object.fromEntries(Object.entries(beside).map(([path, line]) => [`data/${path}`, line]))).toEqual(
      Object.fromEntries(Object.entries(whole).filter(([path]) => path.startsWith('data/'))),
    )
    expect(readFileSync(join(to, 'app', 'bind', 'folder', 'inner'), 'utf8')).toBe('inner\n')
    expect(scan()).toEqual(whole)
    expect(await startTimes(lab)).toBe(before)
  })

  test('--dry-run and a missing --yes touch nothing', async () => {
    write()
    await story.backUp('app')
    destroy()
    const { project } = lab
    const { destroyed, before } = { destroyed: scan(), before: await startTimes(lab) }
    const dry = await story.call(['restore', 'app', '--dry-run'])
    expect(dry.exitCode).toBe(0)
    expect(dry.json).toMatchObject({
      dryRun: true,
      stops: [`${project}-peer-1`, `${project}-app-1`],
      starts: [`${project}-app-1`, `${project}-peer-1`],
      targets: [{ target: 'app', method: 'files', replaces: ['/bind', '/data', '/etc/app.conf'] }],
    })
    const refused = await story.call(['restore', 'app'])
    expect(refused.exitCode).toBe(2)
    expect(refused.json.error).toMatchObject({ code: 'CONFIRMATION_NEEDED', hint: expect.stringContaining('--yes') })
    expect(scan()).toEqual(destroyed)
    expect(await startTimes(lab)).toBe(before)
  })
})
