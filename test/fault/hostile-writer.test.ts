import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { asBackupError, BackupError } from '../../src/errors.ts'
import { runBackup } from '../../src/job/backup.ts'
import { planRestore } from '../../src/job/restore/plan.ts'
import { runRestore } from '../../src/job/restore.ts'
import { fingerprintTree } from '../../src/lib/tree/fingerprint.ts'
import { openArchive } from '../../src/repository/archive.ts'
import { enabled, type JobStage, setJobStage } from '../process/job/stage.ts'

/** For how long each writer is at work at least. */
const seconds = 20
const leastOutcomes = 9

/** Swaps folders of the volume for links to the outside and back, as fast as it can, until it is ended. */
const swapper = `
  const { renameSync, symlinkSync, unlinkSync, mkdirSync, writeFileSync, rmSync } = require('node:fs')
  const volume = process.argv[1]
  const quietly = (act) => { try { act() } catch {} }
  for (let count = 0; ; count++) {
    for (const name of ['a', 'a/b', 'c', 'c/d/e']) {
      const place = volume + '/' + name
      quietly(() => renameSync(place, volume + '/aside'))
      quietly(() => symlinkSync(count % 2 ? '../outside' : process.argv[2], place))
      quietly(() => unlinkSync(place))
      quietly(() => renameSync(volume + '/aside', place))
      quietly(() => mkdirSync(place, { recursive: true }))
      quietly(() => rmSync(volume + '/aside', { recursive: true }))
    }
  }`

/** As the volume has it, so that every path of the archive exists outside too. */
function fillFolders(root: string, content: string): void {
  for (const folder of ['a/b', 'c/d/e', 'plain']) {
    mkdirSync(join(root, folder), { recursive: true })
    for (let count = 0; count < 40; count++) writeFileSync(join(root, folder, `${count}`), content.repeat(500))
  }
}

/** As in a container, the writer can change nothing but its volume, though its links lead elsewhere. */
function startSwapping(volume: string, outside: string): void {
  const jail = ['--die-with-parent', '--ro-bind', '/', '/', '--bind', volume, volume, '--dev', '/dev']
  const child = spawn('bwrap', [...jail, process.execPath, '-e', swapper, volume, outside], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
}

/** Files whose content a snapshot has from outside of the volume. */
function filesOfOutside(folder: string): string[] {
  if (!existsSync(folder)) return []
  return filesBelow(folder).filter((file) => readFileSync(file, 'utf8').startsWith('outside'))
}

/** A snapshot may hold a link that leads outside. Node's own recursive listing would follow it. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return filesBelow(path)
    return entry.isFile() ? [path] : []
  })
}

/** One round of everything that root does in the volume. What fails because nothing stands still may fail. */
async function workOnce(stage: JobStage, round: number): Promise<string[]> {
  const { parts, signal } = stage
  const targets = await stage.targets()
  const backup = await runBackup(parts, targets, { reason: 'manual' }, signal)
  const outcomes = [backup.targets[0]?.outcome ?? '']
  for (const request of [{}, { only: ['a/b/1', 'c/d/e'] }, { to: join(stage.folder, `to-${round}`) }]) {
    const plan = await planRestore(parts, { targets, at: 'latest', ...request }, signal).catch(asBackupError)
    if (plan instanceof BackupError) {
      // A path that was a link at the time of the backup is not in the snapshot.
      expect(plan.code).toBe('NO_SUCH_SNAPSHOT')
      continue
    }
    const { targets: results } = await runRestore(parts, plan, { safety: round % 2 === 0 }, signal)
    outcomes.push(results[0]?.outcome ?? '')
  }
  return outcomes
}

test.each([
  ['captured live', { quiesce: 'none' }],
  ['read ahead of a stop that its writer ignores', {}],
])(`a writer that swaps folders for links changes nothing outside of its volume, which is %s`, async (_, labels) => {
  const stage = setJobStage(({ data }) => [{ name: 'app', labels: enabled(labels), mounts: [data('files')] }])
  stage.local = openArchive(join(stage.folder, 'backups'), { prepareBytes: 1 })
  const volume = join(stage.folder, 'files')
  const outside = join(stage.folder, 'outside')
  fillFolders(volume, 'inside')
  await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
  fillFolders(outside, 'outside')
  const before = await fingerprintTree(outside, {}, stage.signal)
  startSwapping(volume, outside)
  const done: string[] = []
  const end = performance.now() + seconds * 1000
  for (let round = 0; performance.now() < end || done.length < leastOutcomes; round++) {
    done.push(...(await workOnce(stage, round)))
    expect(filesOfOutside(join(stage.folder, `to-${round}`))).toEqual([])
    rmSync(join(stage.folder, `to-${round}`), { recursive: true, force: true })
  }
  expect(await fingerprintTree(outside, {}, stage.signal)).toBe(before)
})
