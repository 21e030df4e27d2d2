import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { openArchive } from '../../src/repository/archive.ts'
import type { Repository } from '../../src/repository/repository.ts'
import type { FakeContainer } from '../fakes/engine.ts'
import { container, makeFolder, run } from '../support/cli.ts'
import { makeNastyTree } from '../support/nasty-tree.ts'
import { resticFolder, resticPassword, resticPerTest } from '../support/restic.ts'
import { scanTree } from '../support/scan-tree.ts'
import { shellBlocks } from '../support/shell-blocks.ts'

const world = resticPerTest()

/** Files, a single file and an SQLite database, in folders of this machine; and programs that only write down how they were called. */
function makeStack() {
  const folder = makeFolder()
  const bind = (name: string, destination: string) => ({
    kind: 'bind' as const,
    source: join(folder, name),
    destination,
    writable: true,
  })
  const places = { tree: join(folder, 'a tree'), file: join(folder, 'settings.ini'), data: join(folder, 'data') }
  makeNastyTree(places.tree)
  rmSync(join(places.tree, 'sparse'))
  writeFileSync(places.file, 'answer = 42\n')
  chmodSync(places.file, 0o640)
  utimesSync(places.file, 1e9, 1e9)
  mkdirSync(places.data)
  using database = new DatabaseSync(join(places.data, 'app.db'))
  database.exec("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('kept')")
  const labels = (more: Record<string, string>) =>
    Object.fromEntries(Object.entries({ enable: 'true', ...more }).map(([key, value]) => [`xnai.backup.${key}`, value]))
  const containers: FakeContainer[] = [
    container('files', {
      labels: labels({}),
      mounts: [bind('a tree', '/srv'), bind('settings.ini', '/etc/settings.ini')],
    }),
    container('app', { labels: labels({ method: 'sqlite', paths: '/data/app.db' }), mounts: [bind('data', '/data')] }),
  ]
  const programs = join(folder, 'programs')
  mkdirSync(programs)
  writeFileSync(join(programs, 'podman'), `#!/bin/sh\necho "$@" >>'${folder}/podman.log'\n`)
  chmodSync(join(programs, 'podman'), 0o755)
  return { folder, places, containers, programs }
}

/** Another allocation of the same content is no difference. */
const withoutHoles = (scan: Record<string, string>) =>
  Object.fromEntries(Object.entries(scan).map(([path, text]) => [path, text.replace(/ (holes|full)/, '')]))

/** What a person does who has nothing but the page and a shell. */
function follow(page: string, path: string, env: Record<string, string> = {}): string {
  const script = shellBlocks(page)
    .map((block) => block.script)
    .join('\n')
  return execFileSync('bash', ['-c', script], {
    env: { ...process.env, PATH: `${path}:${process.env.PATH}`, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  })
}

async function destroyAndFollow(local: Repository, address: string, path: (own: string) => string, env = {}) {
  const { folder, places, containers, programs } = makeStack()
  const password = address.startsWith('restic:') && { XNAI_BACKUP_LOCAL_PASSWORD: resticPassword }
  const stage = { containers, local, environment: { XNAI_BACKUP_LOCAL: address, ...password } }
  const before = scanTree(places.tree)
  const saved = await run(['backup', '--all', '--json'], stage)
  expect(saved.exitCode, saved.stdout).toBe(0)
  const { stdout: page, exitCode } = await run(['runbook'], stage)
  expect(exitCode).toBe(0)
  expect(page).not.toContain(resticPassword)

  rmSync(places.tree, { recursive: true })
  // One of them finds another tree in the place, the other one nothing at all.
  if (address.startsWith('archive:')) mkdirSync(join(places.tree, 'of the broken stack'), { recursive: true })
  const { ino: inode } = statSync(places.file)
  writeFileSync(places.file, 'answer = 0\nand more of it\n')
  chmodSync(places.file, 0o666)
  writeFileSync(join(places.data, 'app.db'), 'broken')
  writeFileSync(join(places.data, 'app.db-wal'), 'broken')
  follow(page, path(programs), env)

  const after = scanTree(places.tree)
  expect(readFileSync(places.file, 'utf8')).toBe('answer = 42\n')
  const { mode, mtimeMs, ino } = statSync(places.file)
  expect({ mode: mode & 0o777, mtimeMs, ino }).toEqual({ mode: 0o640, mtimeMs: 1e12, ino: inode })
  using database = new DatabaseSync(join(places.data, 'app.db'))
  expect(database.prepare('SELECT text FROM notes').get()).toEqual({ text: 'kept' })
  expect(readFileSync(join(folder, 'podman.log'), 'utf8')).toContain('stop shop-files-1\nstart shop-files-1\n')
  return { before, after }
}

describe('who follows the runbook by a plain shell gets the data back', () => {
  test('from an archive, by tar and zstd', async () => {
    const backups = makeFolder()
    const { before, after } = await destroyAndFollow(openArchive(backups), `archive:${backups}`, (own) => own)
    expect(withoutHoles(after)).toEqual(withoutHoles(before))
  })

  test('from a restic repository, by stock restic', async () => {
    const path = (own: string) => `${own}:${resticFolder('trixie')}`
    const env = { RESTIC_PASSWORD: resticPassword, RESTIC_CACHE_DIR: join(world.folder, 'cache') }
    const { before, after } = await destroyAndFollow(world.repository, `restic:${world.place}`, path, env)
    // Stock restic makes a hard link of a symbolic link anew, as a link of its own.
    const link = before['sub/soft-hard']?.replace(/same inode as [^;]*; /, '')
    expect(withoutHoles(after)).toEqual(withoutHoles({ ...before, 'sub/soft-hard': link ?? '' }))
  })

  test('and a flipped bit in an archive ends it before anything is touched', async () => {
    const backups = makeFolder()
    const { places, containers, programs, folder } = makeStack()
    const stage = { containers, local: openArchive(backups), environment: { XNAI_BACKUP_LOCAL: `archive:${backups}` } }
    await run(['backup', '--all'], stage)
    const { stdout: page } = await run(['runbook'], stage)
    for (const file of execFileSync('find', [backups, '-name', '*.zst'], { encoding: 'utf8' }).trim().split('\n')) {
      const bytes = readFileSync(file)
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
      writeFileSync(file, bytes)
    }
    const before = scanTree(places.tree)
    expect(() => follow(page, programs)).toThrow()
    expect(scanTree(places.tree)).toEqual(before)
    expect(() => readFileSync(join(folder, 'podman.log'))).toThrow('ENOENT')
  })
})
