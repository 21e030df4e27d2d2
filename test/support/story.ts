import { existsSync, mkdirSync } from 'node:fs'
import { expect } from 'vitest'
import type { z } from 'zod'
import { type Lab, type LabOptions, startLab } from '../../lab/lab.ts'
import { type Call, type Product, productOf } from '../../lab/product.ts'
import { expectNone } from '../../lab/secrets.ts'
import {
  backupShape,
  checkShape,
  failureShape,
  listShape,
  planShape,
  restoreShape,
  statusShape,
  verifyShape,
} from './json-shapes.ts'
import { benchSnapshots } from './method-context.ts'

/**
 * A stack on real Podman, its operator, and what must stay secret all the while: disposing ends with `expectNoSecret`.
 */
export interface Story extends AsyncDisposable {
  readonly lab: Lab
  readonly product: Product
  /**
   * One command with `--json`, logging all it can; the document has the shape that the contract promises. The first backup, the first
   * restore and what has options are processes of their own, the others run in this one.
   */
  call(args: string[], options?: { env?: Record<string, string>; program?: string }): Promise<Call>
  /** A backup that must succeed; answers the snapshot's id. */
  backUp(target: string): Promise<string>
  /** A restore in place that must succeed, all its proofs with it; answers its part of the document. */
  restore(target: string, ...options: string[]): Promise<Call['json']>
  /** Ids of the snapshots that are listed. */
  listed(): Promise<string[]>
  /**
   * P9: none of the secrets stands in labels, output, logs, manifests, the state, or a command line that was seen
   * meanwhile.
   */
  expectNoSecret(): Promise<void>
}

const shapes: Record<string, z.ZodType> = {
  backup: backupShape,
  check: checkShape,
  list: listShape,
  plan: planShape,
  restore: restoreShape,
  status: statusShape,
  verify: verifyShape,
}

export async function openStory(name: string, secrets: string[] = [], options: LabOptions = {}): Promise<Story> {
  const lab = await startLab(name, options)
  const { witness } = lab
  for (const secret of secrets) witness.secrets.add(secret)
  const product = productOf(lab)
  mkdirSync(product.repository, { recursive: true })
  const expectNoSecret = async () => {
    await expectNone(lab, product)
    if (existsSync(benchSnapshots(lab))) await expectNone(lab, { state: benchSnapshots(lab) })
  }

  const inProcesses = new Set<string>()
  /** Variables may be meant for Node itself. */
  const isOwnProcess = (command: string, options: object): boolean =>
    Object.keys(options).length > 0 || (['backup', 'restore'].includes(command) && !inProcesses.has(command))

  const call: Story['call'] = async ([command = '', ...rest], options = {}) => {
    using _watch = witness.watch()
    const args = [command, ...rest, '--json']
    const env = { XNAI_BACKUP_LOG_LEVEL: 'debug', ...options.env }
    const isOwn = isOwnProcess(command, options)
    if (isOwn) inProcesses.add(command)
    const done = isOwn ? await product(args, { ...options, env }) : await here(args, { ...product.env, ...env })
    witness.said.push(done.stdout, done.stderr)
    expect(done.json, `no document of ${args.join(' ')}: ${done.stderr}`).toBeDefined()
    if (!args.includes('--dry-run')) {
      const shape = 'error' in done.json ? failureShape : shapes[args[0] ?? '']
      expect(shape?.safeParse(done.json).error).toBeUndefined()
    }
    return done
  }
  return {
    lab,
    product,
    call,
    backUp: async (target) => {
      const { exitCode, json, stderr } = await call(['backup', target])
      expect(json, stderr).toMatchObject({ outcome: 'complete', targets: [{ target, outcome: 'complete' }] })
      expect(exitCode).toBe(0)
      return json.targets[0].snapshot
    },
    restore: async (target, ...more) => {
      const { exitCode, json, stderr } = await call(['restore', target, '--yes', ...more])
      expect(json, stderr).toMatchObject({
        outcome: 'complete',
        targets: [{ target, outcome: 'complete', rolledBack: false }],
      })
      expect(exitCode).toBe(0)
      const [result] = json.targets
      expect(result.checks.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([])
      return result
    },
    listed: async () => (await call(['list'])).json.snapshots.map(({ id }: { id: string }) => id),
    expectNoSecret,
    [Symbol.asyncDispose]: async () => {
      try {
        if (witness.secrets.size > 0 && witness.said.length > 0) await expectNoSecret()
      } finally {
        await lab.stop()
      }
    },
  }
}

/** Loaded by a file that needs it. */
async function here(args: string[], environment: Record<string, string>): Promise<Call> {
  const { callHere } = await import('./call-here.ts')
  return await callHere(args, { ...process.env, ...environment })
}

/** Labels of the default target of a service. */
export function backedUp(method: string, more: Record<string, string> = {}): Record<string, string> {
  const labels = Object.entries({ enable: 'true', method, schedule: 'manual', ...more })
  return Object.fromEntries(labels.map(([key, value]) => [`xnai.backup.${key}`, value]))
}

/** A service as compose's `depends_on` makes it. */
export const dependingOn = (...services: string[]) => ({
  'com.docker.compose.depends_on': services.map((service) => `${service}:service_started:false`).join(','),
})

/** Since when each container runs: the same answer twice means that none was touched. */
export async function startTimes(lab: Lab): Promise<string> {
  const lines = (await lab.list()).map(async (name) => {
    const { Status, StartedAt } = (await lab.inspect(name)).State
    return `${name} ${Status} ${StartedAt}`
  })
  return (await Promise.all(lines)).join('\n')
}

/** Status by service name: `running`, `paused`, `exited`. */
export async function states(lab: Lab): Promise<Record<string, string>> {
  const start = `${lab.project}-`
  const entries = (await lab.list()).map(async (name) => {
    const service = name.replace(start, '').replace(/-1$/, '')
    return [service, (await lab.inspect(name)).State.Status]
  })
  return Object.fromEntries(await Promise.all(entries))
}
