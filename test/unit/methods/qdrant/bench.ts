import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { ContainerFacts } from '../../../../src/engine/engine.ts'
import type { TargetSpec } from '../../../../src/labels/spec.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import { hashing } from '../../../../src/lib/hash.ts'
import type { Check, RestoreContext, StoredSnapshot, UndoDetail } from '../../../../src/methods/method.ts'
import * as qdrant from '../../../../src/methods/qdrant/work.ts'
import type { ArtifactRecord, Facts } from '../../../../src/repository/repository.ts'

export interface Kept extends StoredSnapshot {
  contents: Map<string, Buffer>
}

/** The method against a server on this machine, without engine, job and repository. */
export interface Bench {
  /** Notes that were not dropped: what a dead run would leave. */
  notes: Set<UndoDetail>
  warnings: string[]
  context(change?: Partial<RestoreContext>): RestoreContext
  capture(change?: Partial<RestoreContext>): Promise<Kept>
  check(snapshot: StoredSnapshot): Promise<void>
  restore(snapshot: StoredSnapshot, change?: Partial<RestoreContext>): Promise<Check[]>
  prove(snapshot: StoredSnapshot): Promise<Check[]>
  /** As recovery does it, with every note that is left. */
  undoAll(change?: Partial<RestoreContext>): Promise<void>
}

export interface BenchServer {
  port: number
  environment?: Record<string, string>
  service: RestoreContext['service']
}

export function benchOf(server: BenchServer, options: Partial<TargetSpec<'qdrant'>['options']> = {}): Bench {
  const spec = {
    method: 'qdrant',
    options: { port: server.port, tls: false, ...options },
    startTimeoutSeconds: 5,
  } as TargetSpec<'qdrant'>
  const notes = new Set<UndoDetail>()
  const warnings: string[] = []
  const unused = () => Promise.reject(new Error('not needed'))

  const context = (change: Partial<RestoreContext> = {}): RestoreContext => ({
    container: containerOf(server),
    paths: [],
    signal: new AbortController().signal,
    clock: systemClock,
    exec: unused,
    execStream: unused,
    hostPath: (path) => path,
    treeRoot: (path) => path,
    connect: async () => ({ host: '127.0.0.1', [Symbol.asyncDispose]: async () => {} }),
    recordUndo: (detail) => {
      notes.add(detail)
      return { [Symbol.dispose]: () => void notes.delete(detail) }
    },
    noteForRollBack: () => {},
    warn: (text) => void warnings.push(text),
    service: server.service,
    ...change,
  })

  return {
    notes,
    warnings,
    context,
    capture: async (change) => {
      const facts: Facts = {}
      const contents = new Map<string, Buffer>()
      const artifacts: ArtifactRecord[] = []
      const ctx = context(change)
      const fact = (name: string, value: Facts[string]) => void Object.assign(facts, { [name]: value })
      for await (const artifact of qdrant.capture({ ...ctx, fact }, spec)) {
        if (artifact.kind !== 'stream') throw new Error('this method gives streams')
        const counted = hashing()
        contents.set(artifact.name, await buffer((await artifact.open(ctx.signal)).compose(counted)))
        artifacts.push({ kind: 'stream', name: artifact.name, ...counted.digest(), stored: undefined })
      }
      const open = async (name: string) => Readable.from([contents.get(name) ?? Buffer.alloc(0)], { objectMode: false })
      return { id: 'bench', facts, artifacts, contents, open, extract: unused, proveTree: unused }
    },
    check: async (snapshot) => qdrant.preflight?.(context(), spec, snapshot),
    restore: async (snapshot, change) => [
      ...(await qdrant.restore(context(change), spec, snapshot)),
      ...(await qdrant.prove(context(), spec, snapshot)),
    ],
    prove: (snapshot) => qdrant.prove(context(), spec, snapshot),
    undoAll: async (change) => {
      for (const note of notes) {
        await qdrant.undo?.(context(change), spec, note)
        notes.delete(note)
      }
    },
  }
}

const containerOf = ({ environment = {} }: BenchServer): ContainerFacts => ({
  id: 'bench',
  name: 'bench-qdrant-1',
  engine: 'podman',
  oneoff: false,
  image: 'docker.io/qdrant/qdrant:v1.13.1',
  imageId: 'bench',
  labels: {},
  state: 'running',
  health: 'none',
  exitCode: 0,
  startedAt: '2000-01-01T00:00:00Z',
  user: '',
  environment: new Map(Object.entries(environment)),
  mounts: [],
  networks: [],
  dependsOn: [],
  requires: [],
})
