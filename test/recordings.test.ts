import { createCipheriv } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../src/lib/clock.ts'
import { openArchive } from '../src/repository/archive.ts'
import { fakeEngine } from './fakes/engine.ts'
import { container, run, type Stage } from './support/cli.ts'

/**
 * What the program prints at 80 columns, recorded in docs/recordings by the real commands over a real archive and real files; only the
 * containers are in memory. `vitest run --project unit test/recordings.test.ts -u` renews the recordings.
 */
let stage: Stage

const folder = mkdtempSync(join(tmpdir(), 'xnai-recordings-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

beforeAll(() => {
  const backups = join(folder, 'backups')
  mkdirSync(backups)
  const mounts = { uploads: volumeOf('uploads', '/srv/uploads'), config: volumeOf('config', '/etc/app') }
  const labels = { 'xnai.backup.enable': 'true' }
  const engine = fakeEngine({
    containers: [
      container('app', { labels: { ...labels, 'xnai.backup.name': 'uploads' }, mounts: [mounts.uploads] }),
      container('worker', { mounts: [mounts.uploads], dependsOn: ['app'] }),
      container('proxy', {
        labels: { ...labels, 'xnai.backup.schedule': 'on-change', 'xnai.backup.quiesce': 'none' },
        mounts: [mounts.config],
      }),
      container('db', { labels: { ...labels, 'xnai.backup.methd': 'postgres' } }),
    ],
  })
  const repository = { ...openArchive(backups), url: 'archive:/backups' }
  stage = { engine, local: repository, state: join(folder, 'state'), environment: { TZ: 'Europe/Berlin' } }
})

/** A folder with one file whose length does not depend on how it is compressed. */
function volumeOf(name: string, destination: string) {
  const source = join(folder, name)
  mkdirSync(source)
  const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(3_000_000))
  writeFileSync(join(source, 'data.bin'), noise)
  utimesSync(join(source, 'data.bin'), 1e9, 1e9)
  return { kind: 'bind' as const, source, destination, writable: true }
}

/** What a terminal of 80 columns shows of some commands at a time. Ids, durations and digests are not those of the machine. */
async function record(time: string, ...commands: string[]): Promise<string> {
  const clock = { ...systemClock, now: () => new Date(time), monotonicMs: () => 0 }
  const shown: string[] = []
  for (const command of commands) {
    const { stdout, stderr, exitCode } = await run(command.split(' '), { ...stage, clock })
    shown.push(`$ xnai-backup ${command}\n${stdout}`)
    expect(exitCode, stderr).toBeLessThan(2)
  }
  const ids = new Map<string, string>()
  const stableId = (id: string) =>
    ids.set(id, ids.get(id) ?? `${id.slice(0, 17)}${String(ids.size + 1).padStart(6, '0')}`)
  return shown
    .join('\n')
    .replaceAll(/\d{8}T\d{6}Z-[0-9a-f]{6}/g, (id) => stableId(id).get(id) as string)
    .replaceAll('0.0 s', '0.4 s')
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'a8db'.repeat(16))
}

const recordings = [
  ['plan', '2026-11-18T01:00:00Z', ['plan']],
  ['backup', '2026-11-18T01:00:00Z', ['backup uploads proxy']],
  ['list', '2026-11-20T12:00:00Z', ['backup uploads', 'list uploads']],
  ['status', '2026-11-20T12:30:00Z', ['status']],
  ['logs', '2026-11-20T12:40:00Z', ['logs uploads']],
  ['ls', '2026-11-20T12:50:00Z', ['ls 20261120']],
  ['restore', '2026-11-21T12:00:00Z', ['restore uploads --dry-run', 'restore uploads --yes']],
] as const

test('the recordings in docs are what the program prints at 80 columns', async () => {
  for (const [name, time, commands] of recordings) {
    const text = await record(time, ...commands)
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
    await expect(text).toMatchFileSnapshot(`../docs/recordings/${name}.txt`)
  }
})
