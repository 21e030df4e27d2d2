import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { inspect } from 'node:util'
import { type Lab, startLab } from '../../lab/lab.ts'
import { expectNone } from '../../lab/secrets.ts'
import type { Witness } from '../../lab/witness.ts'
import { execStream, execText } from '../../src/engine/exec.ts'
import { locate } from '../../src/engine/host-paths.ts'
import { connectEngine } from '../../src/engine/podman.ts'
import { BackupError } from '../../src/errors.ts'
import type { MethodKind, TargetSpec } from '../../src/labels/spec.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { poll } from '../../src/lib/deadline.ts'
import { hashing } from '../../src/lib/hash.ts'
import type { Check, MethodWork, RestoreContext, StoredSnapshot } from '../../src/methods/method.ts'
import type { ArtifactRecord, Facts } from '../../src/repository/repository.ts'

/** A method driven against a real container without a job around it. */
export interface MethodBench<K extends MethodKind> {
  spec: TargetSpec<K>
  warnings: string[]
  context(): Promise<RestoreContext>
  capture(): Promise<StoredSnapshot>
  /** `check`, `restore`, start, `prove`, as a job does it. `disturb` may replace parts of the context. */
  restore(snapshot: StoredSnapshot, disturb?: (ctx: RestoreContext) => RestoreContext): Promise<Check[]>
}

/** A lab for benches. When it stops, `expectNone` looks for the secrets of its services and for `secrets`. */
export async function startBenchLab(name: string, secrets: string[] = []): Promise<Lab> {
  const lab = await startLab(name)
  for (const secret of secrets) lab.witness.secrets.add(secret)
  const stop = async () => {
    try {
      if (lab.witness.said.length > 0) await expectNone(lab, { state: benchSnapshots(lab) })
    } finally {
      await lab.stop()
    }
  }
  return { ...lab, stop }
}

/** The folder in which benches store what they captured, as it was captured. It is there once a bench has captured. */
export const benchSnapshots = (lab: Lab): string => join(lab.dir, 'snapshots')

/** The error with which `work` rejects; a text that no expected error has where it does not. */
// biome-ignore lint/suspicious/noExplicitAny: tests read fields of errors of any kind
export const failure = (work: Promise<unknown>): Promise<any> =>
  work.then(
    () => 'no failure',
    (error) => error,
  )

export function methodBench<K extends MethodKind>(
  lab: Lab,
  container: string,
  method: MethodWork<K>,
  spec: TargetSpec<K>,
): MethodBench<K> {
  const engine = connectEngine(`unix://${lab.socket}`)
  const { signal } = new AbortController()
  const warnings: string[] = []
  const { witness } = lab

  const context = async (): Promise<RestoreContext> => {
    const facts = await engine.inspect(container, signal)
    if (!facts) throw new Error(`no container ${container}`)
    const state = async () => (await engine.inspect(container, signal))?.state ?? 'removing'
    const isRunning = async () => (await state()) === 'running'
    const hostPath = (path: string) => {
      const place = locate(facts, path)
      if (!place) throw new BackupError('PATH_UNREACHABLE', `${path} is on no mount`)
      return place.hostPath
    }
    return {
      container: facts,
      paths: [],
      signal,
      clock: systemClock,
      exec: (command, { timeoutSeconds = 60, ...options } = {}) => {
        witness.commandLines.add(command.join(' '))
        return execText(engine, container, { command, timeoutSeconds, ...options }, signal)
      },
      execStream: (command, { timeoutSeconds = 600, ...options } = {}) => {
        witness.commandLines.add(command.join(' '))
        return execStream(engine, container, { command, timeoutSeconds, ...options }, signal)
      },
      hostPath,
      treeRoot: hostPath,
      connect: () => Promise.reject(new Error('these methods need no network')),
      recordUndo: (detail) => {
        say(witness, detail)
        return { [Symbol.dispose]: () => {} }
      },
      noteForRollBack: (detail) => say(witness, detail),
      warn: (text) => {
        say(witness, text)
        warnings.push(text)
      },
      service: {
        state,
        start: async () => {
          await engine.start(container, signal)
          await poll(isRunning, { what: `${container} to run`, seconds: 60, clock: systemClock, signal })
        },
        stop: async () => void (await engine.stop(container, 10, signal)),
      },
    }
  }
  return {
    spec,
    warnings,
    context,
    capture: telling(witness, async () => {
      const facts: Facts = {}
      const fact = (name: string, value: Facts[string]) => void Object.assign(facts, { [name]: value })
      await mkdir(benchSnapshots(lab), { recursive: true })
      const folder = await mkdtemp(join(benchSnapshots(lab), 'snapshot-'))
      const artifacts: ArtifactRecord[] = []
      for await (const artifact of method.capture({ ...(await context()), fact }, spec)) {
        if (artifact.kind !== 'stream') throw new Error('these methods give streams')
        const counted = hashing()
        const file = join(folder, artifact.name)
        await pipeline(await artifact.open(signal), counted, createWriteStream(file))
        artifacts.push({ kind: 'stream', name: artifact.name, ...counted.digest(), stored: undefined })
      }
      return stored(folder, facts, artifacts)
    }),
    restore: telling(witness, async (snapshot, disturb = (ctx) => ctx) => {
      const ctx = disturb(await context())
      await method.preflight?.(ctx, spec, snapshot)
      const still = await method.restore(ctx, spec, snapshot)
      await ctx.service.start()
      return [...still, ...(await method.prove(ctx, spec, snapshot))]
    }),
  }
}

/** The witness sees what runs meanwhile, and hears the answer or the error. */
const telling =
  <A extends unknown[], T>(witness: Witness, work: (...args: A) => Promise<T>) =>
  async (...args: A): Promise<T> => {
    using _watch = witness.watch()
    try {
      const answer = await work(...args)
      say(witness, answer)
      return answer
    } catch (error) {
      say(witness, error)
      throw error
    }
  }

const say = ({ said }: Witness, what: unknown) => void said.push(inspect(what, everything))
const everything = { depth: null, maxArrayLength: null, maxStringLength: null, breakLength: Number.POSITIVE_INFINITY }

function stored(folder: string, facts: Facts, artifacts: ArtifactRecord[]): StoredSnapshot {
  return {
    id: 'bench',
    facts,
    artifacts,
    open: async (name) => createReadStream(join(folder, name)),
    extract: () => Promise.reject(new Error('there are no trees')),
    proveTree: () => Promise.reject(new Error('there are no trees')),
  }
}

/** A target as labels without further keys describe it. */
export function plainSpec<K extends MethodKind>(method: K, options: TargetSpec<K>['options']): TargetSpec<K> {
  const spec = {
    method,
    options,
    settleSeconds: 60,
    maxWaitSeconds: 86_400,
    exclude: [],
    quiesce: 'none',
    startTimeoutSeconds: 60,
    execTimeoutSeconds: 60,
  }
  return spec as unknown as TargetSpec<K>
}
