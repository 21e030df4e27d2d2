import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import type { Call } from '../../../lab/product.ts'
import { openStory, type Story, states } from '../../support/story.ts'
import { mongoCommand } from '../mongodb/server.ts'
import {
  files,
  mongodb,
  postgres,
  qdrant,
  redis,
  type Service,
  type Subject,
  sqlite,
  victoriametrics,
} from './subjects.ts'

let story: Story

beforeAll(async () => {
  story = await openStory('full-disk')
})
afterAll(() => story?.[Symbol.asyncDispose]())

interface Case {
  subject: Subject
  /** Megabytes of the disk under the service. */
  size: number
  /** Megabytes that are left when it is full. */
  left: number
  /** A full disk does not hinder the backup. */
  isReadable: boolean
  /** What the hint of a failed restore speaks of. */
  hint: RegExp
  /** Some megabytes, all of it numbers. */
  load(service: Service): Promise<unknown>
  /** Takes away what was backed up, where it would be replaced in its place otherwise. */
  lose?(service: Service): Promise<unknown>
}

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 10)
const shell = (script: string) => (service: Service) => service.exec(['sh', '-c', script])

/** For mongosh: a few large documents. */
const padded = "[10, 11, 12, 13].map((_id) => ({ _id, text: 'x'.repeat(1000000) }))"

const cases: Case[] = [
  {
    subject: redis,
    size: 30,
    left: 4,
    isReadable: false,
    hint: /--no-safety/,
    load: shell('head -c 8000000 /dev/urandom | REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli -x SET 10'),
  },
  // Two new databases would lie beside those of now.
  { subject: postgres, size: 120, left: 4, isReadable: true, hint: /Free space/, load: (service) => service.add(10) },
  {
    subject: qdrant,
    size: 20,
    left: 0,
    isReadable: false,
    hint: /--no-safety/,
    load: (service) => service.add(...range(1000)),
  },
  // Less than it needs to take anything in.
  {
    subject: victoriametrics,
    size: 40,
    left: 5,
    isReadable: false,
    hint: /--no-safety/,
    load: (service) => service.add(...range(100)),
  },
  {
    subject: sqlite,
    size: 20,
    left: 1,
    isReadable: true,
    hint: /Free space/,
    load: shell(`sqlite3 /data/app.db 'CREATE TABLE much AS SELECT randomblob(4000000)'`),
  },
  // Small files: their content would fit, and they do not. This is found in the middle of the restore.
  {
    subject: files,
    size: 30,
    left: 2,
    isReadable: true,
    hint: /small files/,
    load: (service) => service.add(...range(2000)),
    lose: shell('rm /data/*'),
  },
  {
    subject: mongodb,
    size: 40,
    left: 1,
    isReadable: true,
    hint: /MongoDB/,
    load: (service) => service.exec(mongoCommand(`shop.getCollection('entry').insertMany(${padded})`)),
    lose: (service) => service.exec(mongoCommand(`shop.getCollection('entry').drop()`)),
  },
]

describe('the disk of the service is full', () => {
  test.each(cases)('$subject.method', async ({ subject, size, left, load, lose, isReadable, hint }) => {
    const { method } = subject
    const disk = makeDisk(method, size)
    const service = await subject.start(story, { name: method, data: disk.data })
    await load(service)
    const id = await story.backUp(method)
    await lose?.(service)
    await service.add(1)
    disk.fill(left)
    if (method === 'victoriametrics') await eventually(() => isNoticed(service), 60, 'the server looks at its disk')
    const before = await look(service)

    const listed = await story.listed()
    const backup = await story.call(['backup', method])
    if (isReadable) expect(backup.json, backup.stderr).toMatchObject({ outcome: 'complete' })
    else expectFull(backup, /\w/)
    expect((await story.listed()).length).toBe(listed.length + (isReadable ? 1 : 0))
    expect(await look(service)).toEqual(before)

    const restore = await story.call(['restore', method, '--at', id, '--yes'])
    expectFull(restore, hint)
    expect(restore.json.targets[0].rolledBack).toBe(method === 'files')
    expect(await look(service)).toEqual(before)
    // It takes in new data as before, unless it refuses to by itself.
    if (method === 'redis') await service.add(2)

    disk.free()
    await story.restore(method, '--at', id)
    expect(await service.numbers()).not.toContain(1)
  })

  test('sqlite: of the controller, where it makes its copy', async () => {
    const disk = makeDisk('tmp', 1)
    const service = await sqlite.start(story, { name: 'copied' })
    await service.exec(['sqlite3', '/data/app.db', 'CREATE TABLE much AS SELECT randomblob(4000000)'])
    const failed = await story.call(['backup', 'copied'], { env: { TMPDIR: disk.data } })
    expectFull(failed, /TMPDIR/)
    expect((await story.call(['list', 'copied'])).json).toEqual({ snapshots: [] })
    await story.backUp('copied')
  })
})

const look = async (service: Service) => ({
  states: await states(story.lab),
  numbers: await service.numbers(),
  leftovers: (await service.leftovers()).trim(),
})

function expectFull({ exitCode, json, stderr }: Call, hint: RegExp): void {
  expect(json, stderr).toMatchObject({ outcome: 'failed', targets: [{ error: { code: 'NO_SPACE' } }] })
  expect(json.targets[0].error.hint).toMatch(hint)
  expect(exitCode).toBe(1)
}

/** VictoriaMetrics knows the room on its disk as of some seconds ago. */
async function isNoticed(service: Service): Promise<boolean> {
  const metrics = await service.exec(['curl', '-sS', 'localhost:8428/metrics'])
  return Number(/^vm_free_disk_space_bytes\{.*\} (\S+)$/m.exec(metrics)?.[1]) < 10_000_000
}

interface Disk {
  /** Folder for the service's data. */
  data: string
  /** Takes all room but `left` megabytes. */
  fill(left: number): void
  free(): void
}

/** A file system of its own, which goes with the lab. */
function makeDisk(name: string, megabytes: number): Disk {
  const root = join(story.lab.dir, 'files', `disk-${name}`)
  const data = join(root, 'data')
  const ballast = join(root, 'ballast')
  mkdirSync(root, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', root])
  mkdirSync(data)
  return {
    data,
    fill: (left) => {
      execFileSync('sh', ['-c', 'cat /dev/zero >"$0" 2>/dev/null || true', ballast])
      if (left > 0) execFileSync('truncate', ['--size', `-${left}M`, ballast])
    },
    free: () => rmSync(ballast),
  }
}
