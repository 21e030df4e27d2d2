import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import type { fakeEngine } from '../fakes/engine.ts'
import { container, run, type Stage } from '../support/cli.ts'
import { setOneApp } from '../support/one-app.ts'

let backups: string
let engine: ReturnType<typeof fakeEngine>
let stage: Stage & { state: string }

beforeEach(() => {
  ;({ backups, engine, stage } = setOneApp())
})

/** Another process that holds the repository by a state directory with this id, as a controller does. */
async function startHolder(state: string): Promise<ChildProcess> {
  const script = join(import.meta.dirname, '../fixtures/hold-and-stay.ts')
  const child = spawn(process.execPath, [script, backups, state], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [said] = await once(child.stdout as NodeJS.ReadableStream, 'data')
  expect(String(said)).toBe('here\n')
  return child
}

const idOf = (state: string) => {
  using catalog = openCatalog(state)
  return catalog.state
}

test('a second control plane on the repository is busy with a hint, and touches nothing; readers are not', async () => {
  await run(['backup', 'app'], stage)
  engine.journal.length = 0
  await startHolder('another')
  for (const args of [['backup', 'app'], ['restore', 'app', '--yes'], ['run']]) {
    const { exitCode, stdout, stderr } = await run(args, { ...stage, signal: AbortSignal.timeout(60_000) })
    const text = (stdout + stderr).replaceAll(/\s+/g, ' ')
    expect(text, args.join(' ')).toContain('is in use by another control plane')
    expect(text, args.join(' ')).toContain('podman exec xnai-backup')
    expect(exitCode, args.join(' ')).toBe(5)
  }
  expect(engine.journal).toEqual([])
  for (const args of [['list'], ['check', '--read-data'], ['status']])
    expect((await run(args, stage)).exitCode, args.join(' ')).toBe(0)
})

test('processes that share the state directory share the repository', async () => {
  await startHolder(idOf(stage.state))
  expect((await run(['backup', 'app'], stage)).exitCode).toBe(0)
})

test('a control plane that was killed holds nothing, and its file is removed', async () => {
  const holder = await startHolder('another')
  const ended = once(holder, 'exit')
  holder.kill('SIGKILL')
  await ended
  expect((await run(['backup', 'app'], stage)).exitCode).toBe(0)
  expect(readdirSync(join(backups, '.locks'))).toEqual([])
})

test('a command on the host neither plans to stop the controller of the stack nor stops it', async () => {
  const controller = container('xnai-backup', {
    labels: { 'org.xnai-backup.role': 'controller' },
    mounts: [{ kind: 'bind', source: '/', destination: '/host', writable: true }],
    dependsOn: ['app'],
  })
  engine.add(controller)
  const plan = await run(['plan', '--json'], stage)
  expect(plan.json()).toMatchObject({ targets: [{ target: 'app', stops: ['shop-app-1'] }] })
  expect((await run(['backup', 'app'], stage)).exitCode).toBe(0)
  expect((await run(['restore', 'app', '--yes'], stage)).exitCode).toBe(0)
  expect(engine.journal.filter((line) => line.includes('xnai-backup'))).toEqual([])
})
