import { execFile } from 'node:child_process'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { writeHalfCompressible } from '../../../lab/half-compressible.ts'
import { eventually, type Lab, servicesImage, startLab } from '../../../lab/lab.ts'
import { buildIndex, makeStack, type Stack } from '../../../lab/stack.ts'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import * as shapes from '../../support/json-shapes.ts'
import { resticFolder } from '../../support/restic.ts'

const runFile = promisify(execFile)

/** What the stack of the lab says, but impatient. */
const impatient = `
services:
  rag:
    labels:
      xnai.backup.target.faiss.settle: 1s
`
const faissFolder = '/app/data/faiss_index'
let lab: Lab
let stack: Stack

beforeAll(async () => {
  lab = await startLab('compose', { health: true })
  stack = await makeStack(lab, { override: impatient })
  await stack.up()
  await inRag(buildIndex)
})
afterAll(() => lab?.stop())

/**
 * A command that must succeed; its document has the shape that users rely on. The controller may just be at work
 * itself.
 */
async function succeed(shape: z.ZodType, ...args: string[]): Promise<ReturnType<typeof JSON.parse>> {
  const { exitCode, json, stdout } = await callWhenFree(args)
  expect(shape.safeParse(json).error).toBeUndefined()
  expect(exitCode, stdout).toBe(0)
  return json
}

const callWhenFree = (args: string[]) =>
  eventually(
    async () => {
      const call = await stack.call(args)
      return call.stdout.includes('"BUSY"') ? undefined : call
    },
    120,
    'nobody else works on the target',
  )

async function snapshotsOf(target: string): Promise<string[]> {
  const { snapshots } = await succeed(shapes.listShape, 'list', target)
  return snapshots.map(({ id }: { id: string }) => id)
}

/** The controller stops the service for a moment whenever its data has changed: then again. */
const inRag = (script: string) =>
  eventually(async () => [await stack.shell('rag', script)], 60, 'rag runs').then(String)

const stateOf = async (service: string) => (await lab.inspect(stack.container(service))).State

/** Where the host has what a volume of the project holds. */
async function volumePath(name: string): Promise<string> {
  const format = ['--format', '{{.Mountpoint}}']
  return (await lab.podman(['volume', 'inspect', ...format, `${lab.project}_${name}`])).trim()
}

describe('the example stack under docker-compose', () => {
  test('the controller becomes healthy by its own health check', async () => {
    const health = async () => (await lab.inspect(stack.controller)).State.Health?.Status
    await eventually(async () => (await health()) === 'healthy', 90, 'the controller is healthy')
  })

  test('on-change data is backed up without being asked, and again after a change', async () => {
    const first = await eventually(async () => (await snapshotsOf('faiss'))[0], 60, 'the first backup of faiss')
    await inRag(`echo changed >${faissFolder}/index.ids`)
    const at = join(stack.folder, 'look')
    // The first backup may be older than the index that the service writes at its start, and the second one the backup of that.
    const holdsChange = async () => {
      await rm(at, { recursive: true, force: true })
      const { targets } = await succeed(shapes.restoreShape, 'restore', 'faiss', '--to', at)
      expect(targets).toMatchObject([{ wrote: join(at, 'faiss') }])
      return (await stack.shell(undefined, 'find look -name index.ids | xargs -r cat')) === 'changed\n'
    }
    await eventually(holdsChange, 120, 'the backup of the change')
    await rm(at, { recursive: true })
    expect(await snapshotsOf('faiss')).toContain(first)

    const inContainer = await stack.call(['restore', 'faiss', '--to', '/backups/look', '--dry-run'])
    expect(inContainer.json.error.hint).toContain(`--to ${join(lab.dir, 'files', 'backups', 'look')}`)
    expect(inContainer.exitCode).toBe(2)
  })

  test('every command answers with its document', async () => {
    // The second writer of the volume is stopped too, without a label of its own. While a backup holds both there is nothing to stop.
    const writers = new Set([stack.container('rag'), stack.container('rag-ingest')])
    const planOfAll = async () => {
      const plan = await succeed(shapes.planShape, 'plan')
      const faiss = plan.targets.find(({ target }: { target: string }) => target === 'faiss')
      expect(new Set(faiss.stops)).toEqual(writers)
      return plan
    }
    const plan = await eventually(planOfAll, 60, 'the plan with both writers')
    expect(plan.problems).toEqual([])

    const backup = await succeed(shapes.backupShape, 'backup', '--all')
    expect(backup.targets).toHaveLength(plan.targets.length)
    expect(backup.outcome).toBe('complete')
    const status = await succeed(shapes.statusShape, 'status')
    for (const { target, rpoMet } of status.targets) expect({ target, rpoMet }).toEqual({ target, rpoMet: true })
    const { snapshots } = await succeed(shapes.listShape, 'list')
    expect(new Set(snapshots.map(({ target }: { target: string }) => target)).size).toBe(plan.targets.length)
    const check = await succeed(shapes.checkShape, 'check', '--read-data')
    expect(check.repositories).toMatchObject([{ damaged: [] }])
    const verify = await succeed(shapes.verifyShape, 'verify', 'redis')
    expect(verify).toMatchObject({ outcome: 'complete', targets: [{ target: 'redis' }] })
  })

  test('services that were made anew since the backup get their data back', async () => {
    const redis = (script: string) => stack.shell('redis', `export REDISCLI_AUTH="$REDIS_PASSWORD"; ${script}`)
    await redis('redis-cli SET greeting "good day"')
    const began = new Date().toISOString()
    await inRag(`echo kept >${faissFolder}/index.ids`)
    await eventually(() => isCaptured(began), 120, 'the backup of the change by the controller')
    await succeed(shapes.backupShape, 'backup', 'redis', 'faiss')
    // From here on the controller does not stop the service by itself, and takes no snapshot of data that is half destroyed.
    await writeFile(join(stack.folder, 'compose.override.yaml'), 'services: {}\n')
    const before = [await lab.inspect(stack.container('redis')), await lab.inspect(stack.container('rag'))]
    await stack.compose(['up', '--detach', '--no-build', '--force-recreate', '--no-deps', 'redis', 'rag'])
    await eventually(() => redis('redis-cli PING'), 60, 'redis answers again')
    const after = [await lab.inspect(stack.container('redis')), await lab.inspect(stack.container('rag'))]
    for (const [index, { Id }] of after.entries()) expect(Id).not.toBe(before[index]?.Id)

    await redis('redis-cli FLUSHALL')
    await inRag(`rm -rf ${faissFolder}`)
    const { targets } = await succeed(shapes.restoreShape, 'restore', 'redis', 'faiss', '--yes')
    for (const { checks } of targets) expect(checks.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([])
    expect(await redis('redis-cli GET greeting')).toBe('good day\n')
    expect(await inRag(`cat ${faissFolder}/index.ids`)).toBe('kept\n')
  })

  test('P10: a slot that was missed while the controller was down runs once when it starts', async () => {
    const before = await snapshotsOf('redis')
    const began = performance.now()
    await stack.compose(['stop', 'xnai-backup'])
    expect((performance.now() - began) / 1000, 'seconds, of 120 that it is given').toBeLessThan(100)
    // Neither killed by a signal nor ended by an error.
    const ended: { Status: string; ExitCode?: number } = (await lab.inspect(stack.controller)).State
    expect(ended).toMatchObject({ Status: 'exited', ExitCode: 0 })

    const then = await letSlotsPass('redis', 3)
    // What podman-restart.service runs when the machine starts; from Podman 5.8 on it starts `unless-stopped` too.
    await lab.podman(['start', '--all', '--filter', 'restart-policy=always'])
    await eventually(async () => (await lastSlot('redis')) > then, 60, 'the missed slot was run')
    expect(await snapshotsOf('redis')).toHaveLength(before.length + 1)
  })

  test('P1: SIGKILL of the controller in mid backup, and what it had stopped runs again', async () => {
    writeHalfCompressible(join(await volumePath('rag-data'), 'faiss_index', 'big'), 400)
    // Changed until the very stop, so that all of it is taken within.
    const touch = ['sh', '-c', `while touch ${faissFolder}/big; do sleep 0.1; done`]
    await lab.exec(stack.container('rag'), touch, { detach: true })
    const call = stack.call(['backup', 'faiss']).catch(() => undefined)
    await eventually(async () => !(await stateOf('rag')).Running, 60, 'the application is stopped')
    await killController()
    await call
    await eventually(async () => (await lab.inspect(stack.controller)).State.Running, 60, 'the restart policy works')
    for (const service of ['rag', 'rag-ingest'])
      await eventually(async () => (await stateOf(service)).Running, 60, `${service} runs again`)
    const check = await succeed(shapes.checkShape, 'check', '--read-data')
    expect(check.repositories).toMatchObject([{ damaged: [] }])
    await succeed(shapes.backupShape, 'backup', 'faiss')
  })

  test('a repository of restic in the place of the archive: backup, restore, and the key that was made for it', async () => {
    const redis = (script: string) => stack.shell('redis', `export REDISCLI_AUTH="$REDIS_PASSWORD"; ${script}`)
    await useRestic('/backups/restic')
    await inRag(`rm -f ${faissFolder}/big; echo encrypted >${faissFolder}/index.ids`)
    await redis('redis-cli SET greeting "good night"')
    const backup = await succeed(shapes.backupShape, 'backup', 'redis', 'faiss')
    expect(backup.outcome).toBe('complete')
    await inRag(`rm -rf ${faissFolder}`)
    await redis('redis-cli FLUSHALL')
    const { targets } = await succeed(shapes.restoreShape, 'restore', 'redis', 'faiss', '--yes')
    for (const { checks } of targets) expect(checks.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([])
    expect(await inRag(`cat ${faissFolder}/index.ids`)).toBe('encrypted\n')
    expect(await redis('redis-cli GET greeting')).toBe('good night\n')

    const key = ['exec', stack.controller, 'xnai-backup', 'repository', 'key', '--yes', '--json']
    const { keys } = JSON.parse(await lab.podman(key))
    // The cache is in the state volume, and the password nowhere in what was said.
    expect(await readdir(join(await volumePath('xnai-backup-state'), 'restic/cache'))).not.toEqual([])
    expect(lab.witness.said.join('\n')).not.toContain(keys[0].password)
    const env = { RESTIC_PASSWORD: keys[0].password, RESTIC_REPOSITORY: join(lab.dir, 'files/backups/restic') }
    const snapshots = ['snapshots', '--no-cache', '--no-lock', '--json', '--tag', 'xnai-backup']
    const { stdout } = await runFile(join(resticFolder('trixie'), 'restic'), snapshots, { env })
    expect(stdout).toContain(`"hostname":"${lab.project}/faiss"`)
  })

  test('P9: no password shows anywhere', () => stack.expectNoSecret())
})

/** Makes the controller anew, with a repository of restic in a new folder. */
async function useRestic(folder: string): Promise<void> {
  await lab.podman(['exec', stack.controller, 'mkdir', folder])
  const environment = `services: { xnai-backup: { environment: { XNAI_BACKUP_LOCAL: 'restic:${folder}' } } }\n`
  await writeFile(join(stack.folder, 'compose.override.yaml'), environment)
  await stack.compose(['up', '--detach', '--no-build', '--no-deps', 'xnai-backup'])
  const urlOf = async () => (await stack.call(['status'])).json.repositories?.[0]?.url
  await eventually(async () => (await urlOf()) === `restic:${folder}`, 60, 'the controller with restic answers')
}

/** Whether the controller itself has taken a snapshot of faiss since then, and nothing has changed after it. */
async function isCaptured(since: string): Promise<boolean> {
  const { snapshots } = await succeed(shapes.listShape, 'list', 'faiss')
  const { reason, time } = snapshots.at(-1)
  const { json } = await stack.call(['status'])
  const { waiting, running } = json.targets.find(({ target }: { target: string }) => target === 'faiss')
  return reason === 'change' && time > since && waiting === null && !running
}

/** As if the controller had been down for days: what it knows of the target is that old. Answers since when. */
async function letSlotsPass(target: string, days: number): Promise<string> {
  using catalog = openCatalog(await volumePath('xnai-backup-state'))
  const then = new Date(Date.now() - days * 86_400_000).toISOString()
  catalog.saveSchedule(lab.project, target, {
    firstSeen: then,
    lastSlot: then,
    lastDrillSlot: new Date().toISOString(),
  })
  return then
}

/** The newest slot that left a snapshot, in ISO 8601. */
async function lastSlot(target: string): Promise<string> {
  using catalog = openCatalog(await volumePath('xnai-backup-state'))
  return catalog.schedule(lab.project, target).lastSlot ?? ''
}

/**
 * As the kernel does it when memory runs out: podman itself has no part in it, so that the restart policy counts. The number of the process
 * is one of the engine's own namespace, hence the container.
 */
async function killController(): Promise<void> {
  const pid = (await lab.podman(['container', 'inspect', '--format', '{{.State.Pid}}', stack.controller])).trim()
  const own = ['--rm', '--pid', 'host', '--network', 'none']
  await lab.podman(['run', ...own, servicesImage, 'sh', '-c', 'kill -KILL "$0"', pid])
}
