import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import { runBackup } from '../../../src/job/backup.ts'
import { recover } from '../../../src/job/recover.ts'
import { enabled, type JobStage, setJobStage } from './stage.ts'

/** A real file system of one megabyte, for a real catalog. */
function mountSmallDisk(stage: JobStage): string {
  const disk = mkdtempSync(join(tmpdir(), 'disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk])
  const catalog = openCatalog(join(disk, 'state'))
  stage.parts.catalog = catalog
  onTestFinished(() => {
    catalog[Symbol.dispose]()
    execFileSync('umount', [disk])
    rmSync(disk, { recursive: true })
  })
  return disk
}

function fill(file: string): void {
  const descriptor = openSync(file, 'w')
  try {
    for (;;) writeSync(descriptor, Buffer.alloc(4096))
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC')
  } finally {
    closeSync(descriptor)
  }
}

test('a state disk that fills up in the window: every service runs again, and what is left is settled once there is room', async () => {
  const stage = setJobStage(({ data }) => {
    const mounts = [data('files')]
    return ['a', 'b', 'c', 'd'].map((name) => ({ name, mounts, ...(name === 'a' && { labels: enabled() }) }))
  })
  const disk = mountSmallDisk(stage)
  const { local } = stage
  stage.local = {
    ...local,
    stage: async (...call) => {
      const staged = await local.stage(...call)
      fill(join(disk, 'other'))
      return staged
    },
  }
  const { targets } = await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
  expect(targets[0]).toMatchObject({ outcome: 'complete', stopped: expect.arrayContaining(['a', 'b', 'c', 'd']) })
  const running = { a: 'running', b: 'running', c: 'running', d: 'running' }
  expect(await stage.states()).toEqual(running)
  rmSync(join(disk, 'other'))
  expect((await recover(stage.parts, stage.signal)).problems).toEqual([])
  expect(stage.parts.catalog.intents()).toEqual([])
  expect(await stage.states()).toEqual(running)
  expect(stage.parts.engine.journal.filter((act) => act.startsWith('start'))).toHaveLength(4)
})
