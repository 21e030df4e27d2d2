import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { runBackup } from '../../../src/job/backup.ts'
import { planRestore, type RestoreRequest } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import type { Repository } from '../../../src/repository/repository.ts'
import { enabled, type JobStage, setJobStage } from './stage.ts'

const backup = async (stage: JobStage) =>
  (await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)).targets[0]

async function restore(stage: JobStage, request: Partial<RestoreRequest> = {}) {
  const plan = await planRestore(
    stage.parts,
    { targets: await stage.targets(), at: 'latest', ...request },
    stage.signal,
  )
  return (await runRestore(stage.parts, plan, { safety: true }, stage.signal)).targets[0]
}

/** A folder of the host beside the volume, which nothing may change or read. */
function makeHost(stage: JobStage): { expectUntouched(): void; folder: string } {
  const folder = join(stage.folder, 'etc')
  mkdirSync(join(folder, 'ssh/keys'), { recursive: true })
  mkdirSync(join(folder, 'conf.d'))
  writeFileSync(join(folder, 'ssh/keys/host'), 'host key')
  writeFileSync(join(folder, 'conf.d/host'), 'host file')
  const list = () => readdirSync(folder, { recursive: true }).toSorted()
  const before = list()
  return {
    folder,
    expectUntouched: () => {
      expect(list()).toEqual(before)
      expect(readFileSync(join(folder, 'ssh/keys/host'), 'utf8')).toBe('host key')
    },
  }
}

describe('a container that replaced a folder of its volume by a link to the host', () => {
  test('restore --only of a path below it changes nothing on the host', async () => {
    const stage = setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files')] }])
    const host = makeHost(stage)
    const conf = join(stage.folder, 'files/conf')
    mkdirSync(join(conf, 'ssh'), { recursive: true })
    writeFileSync(join(conf, 'ssh/app'), 'app')
    await backup(stage)
    rmSync(conf, { recursive: true })
    symlinkSync('../etc', conf)
    expect(await restore(stage, { only: ['conf/ssh'] })).toMatchObject({ outcome: 'failed' })
    host.expectUntouched()
  })

  test('on the way to a labelled path: neither a backup nor a restore follows it', async () => {
    const labels = enabled({ paths: '/data/app/conf.d' })
    const stage = setJobStage(({ data }) => [{ name: 'app', labels, mounts: [data('files')] }])
    const host = makeHost(stage)
    const app = join(stage.folder, 'files/app')
    mkdirSync(join(app, 'conf.d'), { recursive: true })
    writeFileSync(join(app, 'conf.d/own'), 'own')
    await backup(stage)
    rmSync(app, { recursive: true })
    symlinkSync('../etc', app)
    expect(await backup(stage)).toMatchObject({ outcome: 'failed', error: { code: 'TREE_UNSUPPORTED' } })
    expect(await restore(stage)).toMatchObject({ outcome: 'failed', error: { code: 'TREE_UNSUPPORTED' } })
    host.expectUntouched()
  })

  test('restore --to of a volume that is mounted in another one writes nothing outside of its folder', async () => {
    const stage = setJobStage(({ data }) => [
      { name: 'app', labels: enabled(), mounts: [data('outer'), data('inner', '/data/a/b')] },
    ])
    mkdirSync(join(stage.folder, 'outside'))
    symlinkSync('../../outside', join(stage.folder, 'outer/a'))
    expect(await backup(stage)).toMatchObject({ outcome: 'complete' })
    const error = { code: 'TREE_UNSUPPORTED' }
    expect(await restore(stage, { to: join(stage.folder, 'to') })).toMatchObject({ outcome: 'failed', error })
    expect(readdirSync(join(stage.folder, 'outside'))).toEqual([])
  })
})

describe('a container that swaps the folder of a database for a link to the host', () => {
  /** A database in `folder` with one row, and what may lie beside it. */
  const makeDatabase = (folder: string, row: string) => {
    mkdirSync(folder, { recursive: true })
    const database = new DatabaseSync(join(folder, 'a.db'))
    database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE t(n); INSERT INTO t VALUES ('${row}')`)
    database.close()
    return join(folder, 'a.db')
  }
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
  const setDatabases = () => {
    const labels = enabled({ method: 'sqlite', paths: '/data/app/a.db' })
    const stage = setJobStage(({ data }) => [{ name: 'app', labels, mounts: [data('files')] }])
    const app = join(stage.folder, 'files/app')
    const host = join(stage.folder, 'etc')
    makeDatabase(app, 'own')
    makeDatabase(host, 'of the host')
    for (const file of ['a.db-wal', 'a.db-journal']) writeFileSync(join(host, file), 'of the host')
    const read = () => readdirSync(host).map((name) => `${name} ${digest(readFileSync(join(host, name)))}`)
    const before = read()
    const swap = () => {
      renameSync(app, `${app}-aside`)
      symlinkSync('../etc', app)
    }
    return { stage, app, swap, expectUntouched: () => expect(read()).toEqual(before) }
  }

  test('before it is copied: the copy is of its own database', async () => {
    const { stage, swap, expectUntouched } = setDatabases()
    const { catalog } = stage.parts
    const { addIntent } = catalog
    catalog.addIntent = (intent) => {
      if (intent.kind === 'undo-method') swap()
      return addIntent(intent)
    }
    expect(await backup(stage)).toMatchObject({ outcome: 'complete' })
    expectUntouched()
    await restore(stage, { to: join(stage.folder, 'to') })
    const [copy] = readdirSync(join(stage.folder, 'to'), { recursive: true }).filter((name) =>
      String(name).endsWith('a.db'),
    )
    const database = new DatabaseSync(join(stage.folder, 'to', String(copy)))
    expect(database.prepare('SELECT n FROM t').get()).toEqual({ n: 'own' })
    database.close()
  })

  test('before it is replaced: nothing is written or removed outside', async () => {
    const { stage, swap, expectUntouched } = setDatabases()
    expect(await backup(stage)).toMatchObject({ outcome: 'complete' })
    const { local } = stage
    let isSwapped = false
    const open: Repository['open'] = (...call) => {
      if (!isSwapped) swap()
      isSwapped = true
      return local.open(...call)
    }
    stage.local = { ...local, open }
    expect(await restore(stage)).toMatchObject({ outcome: 'failed' })
    expectUntouched()
  })
})
