import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { judgeRights } from '../../src/doctor/checks/rights.ts'
import { BackupError } from '../../src/errors.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openArchive } from '../../src/repository/archive.ts'
import { type FakeContainer, type FakeEngine, fakeEngine } from '../fakes/engine.ts'
import { container, makeFolder, run, type Stage } from '../support/cli.ts'
import { doctorShape } from '../support/json-shapes.ts'

/** A sound project: a controller, a service whose files are backed up, and the units of its machine. */
function soundProject() {
  const folder = makeFolder()
  const bind = (name: string, destination: string) => {
    mkdirSync(join(folder, name), { recursive: true })
    return { kind: 'bind' as const, source: join(folder, name), destination, writable: true }
  }
  const wants = join(folder, 'etc/systemd/system/default.target.wants')
  mkdirSync(wants, { recursive: true })
  writeFileSync(join(wants, 'podman-restart.service'), '')
  writeFileSync(join(wants, '../podman-restart.service'), startingOnBoot)
  mkdirSync(join(folder, 'backups'))
  const app = container('app', {
    labels: { 'xnai.backup.enable': 'true' },
    mounts: [bind('data', '/srv')],
    restart: 'unless-stopped',
  })
  const controller = container('xnai-backup', {
    labels: { 'org.xnai-backup.role': 'controller' },
    mounts: [bind('state', '/var/lib/xnai-backup')],
    restart: 'always',
  })
  const local = openArchive(join(folder, 'backups'))
  const ownPath = (path: string) => (path.startsWith('/etc/') ? join(folder, path) : path)
  return {
    folder,
    bind,
    wants,
    app,
    controller,
    stage: { local, ownPath, state: join(folder, 'state') } satisfies Stage,
  }
}

/** What the unit of Podman 5.8 runs, and that of those before it. */
const startingOnBoot = 'ExecStart=/usr/bin/podman $LOGGING start --all --filter should-start-on-boot=true\n'
const startingAlways = 'ExecStart=/usr/bin/podman $LOGGING start --all --filter restart-policy=always\n'

async function examine(stage: Stage) {
  const { exitCode, json, stderr } = await run(['doctor', '--json'], stage)
  const { outcome, checks } = doctorShape.parse(json())
  expect(exitCode, stderr).toBe(outcome === 'complete' ? 0 : 1)
  const bad = checks.filter(({ ok }) => !ok)
  return { checks, bad: bad.map(({ name, detail }) => `${name}: ${detail}`), fixes: bad.map(({ fix }) => fix) }
}

const brokenEngine = (change: Partial<FakeEngine>, containers: FakeContainer[] = []): FakeEngine =>
  Object.assign(fakeEngine({ containers }), change)

describe('doctor', () => {
  test('finds nothing in a sound project, and leaves nothing in its repository', async () => {
    const { app, controller, stage } = soundProject()
    const sound = { ...stage, containers: [app, controller] }
    const { checks, bad } = await examine(sound)
    expect(bad).toEqual([])
    expect(new Set(checks.map(({ name }) => name))).toEqual(
      new Set(
        ['engine', 'rights', 'controller', 'labels', 'mounts', 'unprotected', 'tools', 'jail'].concat([
          'repository local',
          'space',
          'clock',
          'restart',
        ]),
      ),
    )
    expect(await stage.local.list(new AbortController().signal)).toEqual([])
    const { stdout } = await run(['doctor'], sound)
    expect(stdout).toMatch(/^ok: engine: podman 4\.3\.1/)
    expect(stdout).toMatch(/All \d+ checks passed\.\n$/)
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  test('shows a fix under each finding, within 80 columns', async () => {
    const { controller, stage } = soundProject()
    const { stdout, exitCode } = await run(['doctor'], {
      ...stage,
      containers: [{ ...controller, restart: undefined } as never],
    })
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/failed: restart: .*\n(?: {2}.*\n)*fix: Write restart: always/)
    expect(stdout).toMatch(/\d of \d+ checks failed\.\n$/)
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  })
})

describe('doctor finds', () => {
  test('that the state directory cannot be used', async () => {
    const { folder, stage } = soundProject()
    rmSync(join(folder, 'state'), { recursive: true })
    writeFileSync(join(folder, 'state'), 'no folder')
    const { bad, fixes } = await examine(stage)
    expect(bad).toEqual([expect.stringMatching(/^state: /)])
    expect(fixes[0]).toContain('XNAI_BACKUP_STATE')
  })

  test('that there is no socket, that it is none, and that nobody answers at it', async () => {
    const { folder, stage } = soundProject()
    const away = () => Promise.reject(new BackupError('ENGINE_UNREACHABLE', 'nobody there'))
    const engine = brokenEngine({ info: away, list: away, isRootless: away })
    const at = async (path: string) => {
      const { bad, fixes } = await examine({ ...stage, engine, environment: { CONTAINER_HOST: `unix://${path}` } })
      return `${bad.find((line) => line.startsWith('engine'))} ${fixes[0]}`
    }
    expect(await at(join(folder, 'none.sock'))).toMatch(/there is no socket .*podman\.socket/)
    writeFileSync(join(folder, 'file'), '')
    expect(await at(join(folder, 'file'))).toMatch(/is no socket/)
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(folder, 'dead.sock'), resolve))
    onTestFinished(() => void server.close())
    expect(await at(join(folder, 'dead.sock'))).toMatch(/nobody answers at .*restart podman\.socket/)
  })

  test('an engine that is too old', async () => {
    const { app, controller, stage } = soundProject()
    const engine = brokenEngine({ info: async () => ({ name: 'podman', version: '3.4.4' }) }, [app, controller])
    expect((await examine({ ...stage, engine })).bad).toEqual([expect.stringContaining('podman 3.4.4')])
  })

  test('that the process is no root, or lacks a capability', async () => {
    const { app, controller, stage } = soundProject()
    const { bad } = await examine({ ...stage, userId: 1000, containers: [app, controller] })
    expect(bad).toEqual(['rights: this process is user 1000 and no root'])
    expect(judgeRights('000001ffffffffff', 0, false).ok).toBe(true)
    // The default capabilities of a container that is not privileged.
    expect(judgeRights('00000000800405fb', 0, false).detail).toMatch(/CAP_SYS_ADMIN, CAP_MKNOD/)
    expect(judgeRights('000001ffffffffff', 1000, true).fix).toContain('podman unshare')
  })

  test('data of a target that is on no mount of this process, and data that is gone', async () => {
    const { folder, app, controller, stage } = soundProject()
    const containers = [app, controller]
    const blind = {
      ...stage,
      containers,
      ownPath: (path: string) => (path === join(folder, 'data') ? undefined : stage.ownPath(path)),
    }
    expect((await examine(blind)).bad).toEqual([expect.stringMatching(/^mounts: shop\/app: \/srv, .* is on no mount/)])
    rmSync(join(folder, 'data'), { recursive: true })
    expect((await examine({ ...stage, containers })).bad).toEqual([expect.stringMatching(/cannot be seen/)])
  })

  test('volumes that nobody backs up, until their service opts out', async () => {
    const { app, controller, bind, stage } = soundProject()
    const extra = container('wiki', { mounts: [bind('pages', '/pages')], restart: 'always' })
    const sharing = container('worker', { mounts: app.mounts ?? [] })
    const { bad, fixes } = await examine({ ...stage, containers: [app, controller, extra, sharing] })
    expect(bad).toEqual([
      expect.stringMatching(/^unprotected: nobody backs up what shop-wiki-1 keeps in .*pages at \/pages/),
    ])
    expect(fixes[0]).toContain('xnai-backup init')
    const out = { ...extra, labels: { 'xnai.backup.enable': 'false' } }
    expect((await examine({ ...stage, containers: [app, controller, out, sharing] })).bad).toEqual([])
  })

  test('problems of labels, with the spelling that was meant, and a project without labels', async () => {
    const { app, controller, stage } = soundProject()
    const slip = { ...app, labels: { ...app.labels, 'xnai.backup.shedule': '@daily' } }
    const { bad, fixes } = await examine({ ...stage, containers: [slip, controller] })
    expect(bad).toEqual([expect.stringMatching(/^labels: shop-app-1: xnai\.backup\.shedule/)])
    expect(fixes[0]).toContain('xnai.backup.schedule')
    const { bad: none } = await examine({ ...stage, containers: [controller] })
    expect(none).toEqual(['labels: no container has labels: nothing is backed up'])
  })

  test('programs that are missing, and a jail that cannot be made', async () => {
    const { folder, app, controller, stage } = soundProject()
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    for (const name of ['rsync', 'getfattr', 'setfattr', 'setpriv', 'find', 'perl', 'tar', 'sh'])
      symlinkSync(`/usr/bin/${name}`, join(bin, name))
    writeFileSync(join(bin, 'bwrap'), '#!/bin/sh\necho bwrap: no permissions to create a new namespace >&2\nexit 1\n')
    chmodSync(join(bin, 'bwrap'), 0o755)
    vi.stubEnv('PATH', bin)
    onTestFinished(() => void vi.unstubAllEnvs())
    const { bad, fixes } = await examine({ ...stage, containers: [app, controller] })
    expect(bad).toEqual([
      expect.stringMatching(/^tools: zstd: no such program/),
      expect.stringMatching(/^jail: .*namespace/),
      'repository local: zstd: no such program',
    ])
    expect(fixes.join()).toMatch(/package zstd.*privileged: true/)
  })

  test('a repository that is gone, one that is empty in place of the known one, and one that cannot be written', async () => {
    const { folder, app, controller, stage } = soundProject()
    const sick = { ...stage, containers: [app, controller] }
    await examine(sick)
    rmSync(join(folder, 'backups'), { recursive: true })
    expect((await examine(sick)).bad).toContainEqual(expect.stringMatching(/^repository local: .*backups/))
    mkdirSync(join(folder, 'backups'))
    const empty = await examine(sick)
    expect(empty.bad).toEqual([expect.stringMatching(/^repository local: .* holds no repository/)])
    expect(empty.fixes[0]).toContain('Is the disk mounted?')
  })

  test('a repository that keeps what is deleted, or gives back other bytes', async () => {
    const { app, controller, stage } = soundProject()
    const containers = [app, controller]
    const keeping = { ...stage.local, remove: async () => {} }
    expect((await examine({ ...stage, containers, local: keeping })).bad).toEqual([
      expect.stringMatching(/^repository local: .* still lists snapshot/),
    ])
    const { Readable } = await import('node:stream')
    const wrong = { ...stage.local, open: async () => Readable.from([Buffer.from('other')]) }
    expect((await examine({ ...stage, containers, local: wrong })).bad).toEqual([
      expect.stringMatching(/^repository local: .* gave back other bytes/),
    ])
    // What the run before could not delete is gone by now.
    expect(await stage.local.list(new AbortController().signal)).toEqual([])
  })

  test('a clock that is wrong against the engine', async () => {
    const { app, controller, stage } = soundProject()
    const clock = { ...systemClock, now: () => new Date('2026-11-20T12:00:00Z') }
    const late = { ...app, startedAt: '2026-11-20T13:00:00Z' }
    const { bad } = await examine({ ...stage, clock, containers: [late, controller] })
    expect(bad).toEqual([expect.stringMatching(/^clock: shop-app-1 was started at 2026-11-20T13:00:00Z/)])
  })

  test('too little room for two more backups', async () => {
    const { app, controller, stage } = soundProject()
    const containers = [app, controller]
    await run(['backup', 'app'], { ...stage, containers })
    const full = { ...stage.local, freeBytes: async () => 10 }
    expect((await examine({ ...stage, containers, local: full })).bad).toEqual([
      expect.stringMatching(/^space: the local repository is nearly full/),
    ])
  })

  test('what does not start with the machine', async () => {
    const { wants, app, controller, stage } = soundProject()
    const { restart: _, ...never } = app
    rmSync(join(wants, 'podman-restart.service'))
    expect((await examine({ ...stage, containers: [never, controller] })).bad).toEqual([
      expect.stringMatching(/^restart: shop-app-1, a service/),
      expect.stringMatching(/^restart: podman-restart\.service is not enabled/),
    ])
  })

  test('that the unit of this Podman leaves out the restart policy of a service, unless its owner has changed the unit', async () => {
    const { wants, app, controller, stage } = soundProject()
    const unit = join(wants, '../podman-restart.service')
    writeFileSync(unit, startingAlways)
    const { bad, fixes } = await examine({ ...stage, containers: [app, controller] })
    expect(bad).toEqual([
      expect.stringMatching(
        /^restart: shop-app-1, a service .*unless-stopped, and podman-restart\.service starts only what is always$/,
      ),
    ])
    expect(fixes[0]).toContain('restart: always')
    const rootless = brokenEngine({ isRootless: async () => true }, [app, controller])
    expect((await examine({ ...stage, engine: rootless })).bad).toEqual([])

    mkdirSync(`${unit}.d`)
    writeFileSync(join(`${unit}.d`, 'override.conf'), startingAlways.replace('=always', '=unless-stopped'))
    expect((await examine({ ...stage, containers: [app, controller] })).bad).toEqual([])
    rmSync(`${unit}.d`, { recursive: true })
    writeFileSync(unit, startingOnBoot)
    const { bad: failing } = await examine({ ...stage, containers: [{ ...app, restart: 'on-failure' }, controller] })
    expect(failing).toEqual([expect.stringMatching(/^restart: shop-app-1, .*on-failure/)])
  })

  test('that no controller runs, that two run, and that another control plane uses the repository', async () => {
    const { folder, app, controller, stage } = soundProject()
    expect((await examine({ ...stage, containers: [app] })).bad).toEqual([
      expect.stringMatching(/^controller: no controller runs/),
    ])
    const second = { ...controller, name: 'shop-second-1', service: 'second' }
    expect((await examine({ ...stage, containers: [app, controller, second] })).bad).toEqual([
      expect.stringMatching(/^controller: several controllers run: shop-xnai-backup-1, shop-second-1/),
    ])
    const other = openArchive(join(folder, 'backups'))
    using _held = await other.hold?.(
      { state: 'another', project: undefined, host: 'machine' },
      new AbortController().signal,
    )
    expect((await examine({ ...stage, containers: [app, controller] })).bad).toEqual([
      expect.stringMatching(/^controller: local repository: .* in use by another control plane/),
    ])
  })
})
