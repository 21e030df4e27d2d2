import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { controllerLock } from '../../src/catalog/keys.ts'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { openArchive } from '../../src/repository/archive.ts'
import { container, run, type Stage } from '../support/cli.ts'
import { backupShape, checkShape, listShape, pruneShape, restoreShape, statusShape } from '../support/json-shapes.ts'
import { setOneApp } from '../support/one-app.ts'

/** Two disks: `backups` is that of the local repository, and `remote` that of the other one. Either can be taken away. */
let folder: string
let stage: Stage & { remote: ReturnType<typeof openArchive> }
beforeEach(() => {
  const one = setOneApp()
  folder = one.folder
  mkdirSync(join(folder, 'remote'))
  stage = { ...one.stage, remote: openArchive(join(folder, 'remote')) }
})

const takeAway = (disk: string) => renameSync(join(folder, disk), join(folder, `${disk}-away`))
const bringBack = (disk: string) => renameSync(join(folder, `${disk}-away`), join(folder, disk))
const word = () => readFileSync(join(folder, 'data/word'), 'utf8')
const write = (text: string) => writeFileSync(join(folder, 'data/word'), text)
const backUp = async () => {
  const { json, exitCode, stderr } = await run(['backup', 'app', '--json'], stage)
  expect(exitCode, stderr).toBe(0)
  return { id: backupShape.parse(json()).targets[0]?.snapshot ?? '', stderr }
}
const list = async (...args: string[]) => {
  const { json, exitCode, stderr } = await run(['list', ...args, '--json'], stage)
  return { ...listShape.parse(json()), exitCode, stderr }
}
const tiersOf = async (...args: string[]) => (await list(...args)).snapshots.map(({ tiers }) => tiers.join('+'))
const status = async () => {
  const { json, exitCode } = await run(['status', '--json'], stage)
  const { repositories } = statusShape.parse(json())
  return { remote: repositories.find(({ tier }) => tier === 'remote'), exitCode }
}
const restore = async (...args: string[]) => {
  const { json, exitCode, stderr } = await run(['restore', 'app', '--yes', ...args, '--json'], stage)
  return { result: restoreShape.parse(json()).targets[0], exitCode, stderr }
}

describe('a backup by hand where no controller lives', () => {
  test('is copied at once, and listed as one row that says what each tier keeps it for', async () => {
    const { id } = await backUp()
    const { snapshots } = await list()
    expect(snapshots).toMatchObject([{ id, tiers: ['local', 'remote'] }])
    expect(snapshots[0]?.kept).toEqual(
      expect.arrayContaining([expect.stringMatching(/^local: daily/), expect.stringMatching(/^remote: weekly/)]),
    )
    expect(await tiersOf('--tier', 'remote')).toHaveLength(1)
    expect(await status()).toMatchObject({
      exitCode: 0,
      remote: { ok: true, snapshots: 1, replication: { waiting: 0 } },
    })
  })

  test('is left to a living controller', async () => {
    using catalog = openCatalog(stage.state as string)
    using _controller = catalog.lock([controllerLock], 'controller')
    await backUp()
    expect(await tiersOf()).toEqual(['local'])
  })

  test('succeeds while the remote repository is away, waits, and is copied when that is back', async () => {
    await backUp()
    takeAway('remote')
    write('two')
    const { stderr } = await backUp()
    expect(stderr).toContain('not copied to the remote repository yet')
    const away = await list()
    expect(away.exitCode).toBe(3)
    expect(away.away).toMatchObject([{ tier: 'remote', error: { code: 'REPOSITORY_UNREACHABLE' } }])
    expect(away.snapshots).toHaveLength(2)
    expect(await status()).toMatchObject({
      exitCode: 1,
      remote: { ok: false, replication: { last: { outcome: 'failed' } } },
    })
    bringBack('remote')
    await backUp()
    expect((await tiersOf()).at(-1)).toBe('local+remote')
    expect((await status()).remote?.replication).toMatchObject({ waiting: 0, last: { outcome: 'complete' } })
  })
})

describe('a restore', () => {
  const damageLocal = (id: string) => {
    const place = join(folder, 'backups/shop/app', id)
    const [file = ''] = readdirSync(place).filter((name) => name.endsWith('.zst'))
    const bytes = readFileSync(join(place, file))
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
    writeFileSync(join(place, file), bytes)
  }

  test('takes the copy of the remote repository where the local one turns out to be damaged, and says so', async () => {
    const { id } = await backUp()
    damageLocal(id)
    write('changed')
    const { result, exitCode } = await restore()
    expect(exitCode).toBe(0)
    expect(word()).toBe('one')
    expect(result?.warnings.join()).toMatch(/damaged.*the copy in the remote repository is restored/)
    expect((await restore('--tier', 'local', '--at', id)).result?.error?.code).toBe('SNAPSHOT_DAMAGED')
  })

  test('beside the stack does the same, and leaves nothing of a damaged copy', async () => {
    const { id } = await backUp()
    damageLocal(id)
    const { result, exitCode } = await restore('--to', folder)
    expect(exitCode).toBe(0)
    expect(readFileSync(join(folder, 'app/word'), 'utf8')).toBe('one')
    expect(result?.warnings.join()).toMatch(/damaged.*the copy in the remote repository is restored/)
    rmSync(join(folder, 'app'), { recursive: true })
    const local = await restore('--to', folder, '--tier', 'local', '--at', id)
    expect(local.result?.error?.code).toBe('SNAPSHOT_DAMAGED')
    expect(existsSync(join(folder, 'app'))).toBe(false)
  })

  test.each([[['--to', 'BESIDE']], [['--no-safety']]])('with %s needs no local repository', async (options) => {
    await backUp()
    write('changed')
    takeAway('backups')
    const { exitCode, stderr } = await restore(...options.map((text) => text.replace('BESIDE', folder)))
    expect(exitCode, stderr).toBe(0)
    expect(stderr).toContain('the local repository is left out')
    const file = options[0] === '--to' ? join(folder, 'app/word') : join(folder, 'data/word')
    expect(readFileSync(file, 'utf8')).toBe('one')
  })

  test('that wants a safety snapshot is refused before anything is stopped while there is no place for it', async () => {
    await backUp()
    takeAway('backups')
    const { result, exitCode } = await restore()
    expect(exitCode).toBe(1)
    expect(result?.error?.code).toBe('REPOSITORY_UNREACHABLE')
    expect(word()).toBe('one')
  })

  test('--tier remote works on a machine that has nothing else', async () => {
    await backUp()
    write('changed')
    rmSync(join(folder, 'backups'), { recursive: true })
    mkdirSync(join(folder, 'backups'))
    stage = { ...stage, state: join(folder, 'new-state') }
    const { exitCode, stderr } = await restore('--tier', 'remote')
    expect(exitCode, stderr).toBe(0)
    expect(word()).toBe('one')
  })
})

describe('prune', () => {
  const prune = async (...args: string[]) => {
    const { json, exitCode } = await run(['prune', ...args, '--json'], stage)
    return { ...pruneShape.parse(json()), exitCode }
  }
  const relabel = (labels: Record<string, string>) => {
    const mounts = [{ kind: 'bind' as const, source: join(folder, 'data'), destination: '/srv', writable: true }]
    stage = {
      ...stage,
      containers: [container('app', { labels: { 'xnai.backup.enable': 'true', ...labels }, mounts })],
    }
    delete stage.engine
  }

  test('applies to each repository its own policy', async () => {
    for (let count = 0; count < 3; count++) await backUp()
    relabel({ 'xnai.backup.retention.local': 'last=1', 'xnai.backup.retention.remote': 'last=2' })
    expect((await prune()).repositories.map(({ remove }) => remove.length)).toEqual([2, 1])
    expect(await tiersOf()).toEqual(['remote', 'local+remote'])
  })

  test('removes nothing locally that has still to be copied', async () => {
    const { id } = await backUp()
    takeAway('remote')
    const { id: second } = await backUp()
    await backUp()
    relabel({ 'xnai.backup.retention.local': 'last=1', 'xnai.backup.retention.remote': 'last=5' })
    const { repositories, exitCode } = await prune()
    expect(exitCode).not.toBe(0)
    expect(repositories[0]?.remove.map((one) => one.id)).toEqual([])
    expect(repositories[0]?.keep.find((one) => one.id === second)?.reasons).toEqual([
      'waits to be copied to the remote repository',
    ])
    expect(repositories[1]?.error?.code).toBe('REPOSITORY_UNREACHABLE')
    bringBack('remote')
    await backUp()
    expect((await prune()).repositories[0]?.remove.map((one) => one.id)).toEqual(expect.arrayContaining([id, second]))
  })

  test('leaves an append-only repository alone and says so', async () => {
    stage.remote = openArchive(join(folder, 'remote'), { appendOnly: true })
    for (let count = 0; count < 2; count++) await backUp()
    relabel({ 'xnai.backup.retention.local': 'last=1', 'xnai.backup.retention.remote': 'last=1' })
    const { repositories } = await prune()
    expect(repositories[1]).toMatchObject({ appendOnly: true, remove: [], keep: [{}, {}] })
    expect((await run(['prune'], stage)).stdout).toContain('append-only and left alone')
  })
})

test('check looks at each repository, and names the one that is away', async () => {
  await backUp()
  const check = async (...args: string[]) => checkShape.parse((await run(['check', ...args, '--json'], stage)).json())
  expect(await check('--read-data')).toMatchObject({
    outcome: 'complete',
    repositories: [{ snapshots: 1 }, { snapshots: 1 }],
  })
  takeAway('remote')
  const { outcome, repositories } = await check()
  expect(outcome).toBe('failed')
  expect(repositories).toMatchObject([{ snapshots: 1 }, { error: { code: 'REPOSITORY_UNREACHABLE' } }])
  expect((await check('--tier', 'local')).outcome).toBe('complete')
  const { exitCode } = await run(['check', '--tamper', '--json'], stage)
  expect(exitCode, 'nothing is configured as append-only').toBe(2)
})
