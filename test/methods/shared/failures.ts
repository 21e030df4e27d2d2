import { existsSync, globSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import type { Call } from '../../../lab/product.ts'
import { type Story, states } from '../../support/story.ts'
import { interrupted } from '../../support/victims.ts'
import { type Disk, makeDisk } from './disk.ts'
import { expectDrills } from './drills.ts'
import type { Service, Subject, SubjectOptions } from './subject.ts'

/** What one service and its snapshots give to the tests. */
interface Stage {
  story: Story
  subject: Subject
  disk: Disk
  service: Service
  /** Id of a snapshot of the empty service. */
  empty: string
  /** Id of a snapshot with the numbers 1 and 2. Absent where no drill needs it. */
  short?: string
  /** Id of a snapshot with the numbers 1, 2 and 3. */
  full: string
}

/**
 * Registers the tests that every method must pass, on one service whose data lies on a small disk: no data at all, a
 * signal in the middle of a backup and of a restore, and a full disk. `options` are added to those of the service.
 */
export function sharedFailures(story: Story, subject: Subject, options: Partial<SubjectOptions> = {}): void {
  describe(`${subject.method}, as every method`, () => {
    const stage = { story, subject } as Stage

    beforeAll(async () => {
      const name = subject.method
      stage.disk = makeDisk(story.lab, name, subject.fullDisk.size)
      stage.service = await subject.start(story, { name, data: stage.disk.data, ...options })
      stage.empty = await story.backUp(name)
      await stage.service.add(1, 2)
      if (subject.drill.short) stage.short = await story.backUp(name)
      await stage.service.add(3)
      stage.full = await story.backUp(name)
    })

    test('a drill verifies the snapshot, and names the check that fails where the bytes are others (P14)', () =>
      drill(stage))
    test('an empty service comes back over newer data, and newer data over an empty service', () => replaceAll(stage))
    test('a SIGTERM in the middle of a backup leaves the service as it was and no snapshot', () => endBackup(stage))
    test('a SIGINT in the middle of a restore brings back the state before', () => endRestore(stage))
    test('a full disk of the service fails with NO_SPACE and changes nothing', () => fillDisk(stage))
    if (subject.damage) {
      test('damaged data, with which it does not start, is kept raw and replaced', () => replaceDamaged(stage))
    }
  })
}

async function drill({ story, subject, empty, short, full }: Stage): Promise<void> {
  const { method, drill } = subject
  await expectDrills(story, method, full, [
    ...(drill.other ? [{ held: empty, fails: drill.other }] : []),
    ...(drill.short && short ? [{ held: short, fails: drill.short, ...(drill.words && { words: drill.words }) }] : []),
  ])
}

async function replaceAll({ story, subject: { method }, service, empty, full }: Stage): Promise<void> {
  await service.add(4)
  await story.restore(method, '--at', empty)
  expect(await service.numbers(), 'newer data was there').toEqual([])
  await story.restore(method, '--at', full)
  expect(await service.numbers(), 'older data was there').toEqual([1, 2, 3])
}

async function replaceDamaged({ story, subject, disk, service, full }: Stage): Promise<void> {
  await story.lab.podman(['stop', '--time', '10', service.name])
  await subject.damage?.(disk.data)
  expect(await story.restore(subject.method, '--at', full)).toMatchObject({ safety: 'raw' })
  await story.lab.podman(['start', service.name])
  const answered = async () => (await service.numbers().catch(() => [])).length > 0
  await eventually(answered, 60, `${service.name} answers again`)
  expect(await service.numbers()).toEqual([1, 2, 3])
}

async function endBackup(stage: Stage): Promise<void> {
  const published = publishedIds(stage.story)
  const result = await interrupt(stage, 'SIGTERM', 'capture', ['backup'])
  expect(result).not.toHaveProperty('snapshot')
  expect((await stage.story.listed()).toSorted()).toEqual(published)
}

async function endRestore(stage: Stage): Promise<void> {
  const { story, subject, service, full } = stage
  await service.add(5)
  for (const moment of subject.moments) {
    const result = await interrupt(stage, 'SIGINT', moment, ['restore', '--at', full, '--yes'])
    expect(result.rolledBack, moment).toBe(true)
  }
  await story.restore(subject.method, '--at', full)
  expect(await service.numbers()).toEqual([1, 2, 3])
}

/**
 * Runs a command that gets a signal at a moment, and expects that all is as before; answers its part of the document.
 */
async function interrupt(stage: Stage, by: 'SIGINT' | 'SIGTERM', at: string, [command = '', ...more]: string[]) {
  const { story, subject } = stage
  const before = await observe(stage)
  const env = { INTERRUPT_BY: by, INTERRUPT_AT: at }
  const { exitCode, json, stderr } = await story.call([command, subject.method, ...more], { program: interrupted, env })
  const target = { target: subject.method, outcome: 'failed' }
  expect(json, stderr).toMatchObject({ outcome: 'failed', targets: [target] })
  expect(json.targets[0].error).toMatchObject({ code: 'INTERRUPTED', message: `interrupted by ${by}` })
  expect(json.targets[0].error.hint).toMatch(/\w/)
  expect(exitCode).toBe(130)
  expect(await observe(stage)).toEqual({ ...before, leftovers: '' })
  const incoming = join(story.product.repository, '.incoming')
  expect(existsSync(incoming) ? readdirSync(incoming) : []).toEqual([])
  return json.targets[0]
}

async function fillDisk(stage: Stage): Promise<void> {
  const { story, service, disk } = stage
  const { method, fullDisk } = stage.subject
  await fullDisk.load(service)
  const id = await story.backUp(method)
  await fullDisk.lose?.(service)
  await service.add(6)
  disk.fill(fullDisk.left)
  await fullDisk.notice?.(service)
  const before = await observe(stage)

  const published = publishedIds(story)
  const backup = await story.call(['backup', method])
  if (fullDisk.isReadable) expect(backup.json, backup.stderr).toMatchObject({ outcome: 'complete' })
  else expectFull(backup, /\w/)
  const newId = fullDisk.isReadable ? [backup.json.targets[0].snapshot] : []
  expect((await story.listed()).toSorted()).toEqual([...published, ...newId].toSorted())
  expect(await observe(stage)).toEqual(before)

  const restore = await story.call(['restore', method, '--at', id, '--yes'])
  expectFull(restore, fullDisk.hint)
  expect(restore.json.targets[0].rolledBack).toBe(fullDisk.isFoundLate === true)
  expect(await observe(stage)).toEqual(before)
  if (fullDisk.takesWrites) await service.add(7)

  disk.free()
  await story.restore(method, '--at', id)
  expect(await service.numbers()).not.toContain(6)
}

/** Ids of the snapshots that lie in the repository. */
const publishedIds = ({ product }: Story): string[] =>
  globSync(join(product.repository, '*', '*', '*', 'manifest.json'))
    .map((manifest) => basename(dirname(manifest)))
    .toSorted()

/** What a failed run must not change. */
async function observe({ story, service }: Stage) {
  return {
    states: await states(story.lab),
    numbers: await service.numbers(),
    leftovers: (await service.leftovers()).trim(),
  }
}

/** The command failed because a disk is full, and its hint matches. */
export function expectFull({ exitCode, json, stderr }: Call, hint: RegExp): void {
  expect(json, stderr).toMatchObject({ outcome: 'failed', targets: [{ error: { code: 'NO_SPACE' } }] })
  expect(json.targets[0].error.hint).toMatch(hint)
  expect(exitCode).toBe(1)
}
