import type { Readable } from 'node:stream'
import type { ContainerFacts } from '../engine/engine.ts'
import type { MethodKind, TargetSpec } from '../labels/spec.ts'
import type { Clock } from '../lib/clock.ts'
import type { Artifact, ArtifactRecord, Facts, FactValue, TreeArtifact, TreeProof } from '../repository/repository.ts'

/** How one kind of data is captured, put back and proven. One file a method; none knows another. */
export interface Method<K extends MethodKind = MethodKind> {
  kind: K
  /** Must the labelled container run while it is captured? If so it is never quiesced itself; other writers of its data are. */
  needsRunning: boolean
  /** Container paths whose content is captured: all that can write there is quiesced. Empty where the server itself gives the instant. */
  paths(spec: TargetSpec<K>, container: ContainerFacts): string[]
  /**
   * The trees that `capture` yields, and nothing else. `capture` MUST take them from this function, so that a repository can prepare
   * the very same ones before their writers are held. Absent: it yields no trees that can be read before.
   */
  trees?(ctx: Pick<MethodContext, 'paths' | 'hostPath'>, spec: TargetSpec<K>): TreeArtifact[]
  /** Yields artifacts in order. Records facts by `ctx.fact` before it ends. Throws where a dump failed, was cut or is empty. */
  capture(ctx: CaptureContext, spec: TargetSpec<K>): AsyncIterable<Artifact>
  /** Refuses what this service cannot take (older version, missing extension) before anything is touched. */
  preflight?(ctx: MethodContext, spec: TargetSpec<K>, snapshot: StoredSnapshot): Promise<void>
  /** Reads what another program wrote as if it had been captured: `restore --from`. Absent: there is nothing it could read. */
  import?(ctx: CaptureContext, spec: TargetSpec<K>, input: ForeignInput): AsyncIterable<Artifact>
  /**
   * Replaces the data. Clients are down; the container is as it was found. It brings the service into the state it needs by
   * `ctx.service`; the job starts and gates it afterwards. Throws: the job puts the state before back by the same function.
   * Answers the proofs that can only be had before the service runs again.
   */
  restore(ctx: RestoreContext, spec: TargetSpec<K>, snapshot: StoredSnapshot): Promise<Check[]>
  /** Undoes what a dead run noted by `ctx.recordUndo`. Safe to repeat; what is gone already is a success. */
  undo?(ctx: MethodContext, spec: TargetSpec<K>, detail: UndoDetail): Promise<void>
  /** Compares what is there now with the facts of the snapshot, with the service started. */
  prove(ctx: RestoreContext, spec: TargetSpec<K>, snapshot: StoredSnapshot): Promise<Check[]>
}

/** Files that another program wrote: one file, a folder with all below it, or the content of a tar archive. */
export interface ForeignInput {
  /** As the user named it. */
  name: string
  /** Outermost first. A folder that the user named stands in front itself. */
  entries: ForeignEntry[]
}

export interface ForeignEntry {
  /** Path for this process. */
  path: string
  name: string
  isDirectory: boolean
}

/** What `Method.undo` needs to know, never a secret. */
export type UndoDetail = Record<string, string>

/** The slice of the world that a method sees. */
export interface MethodContext {
  container: ContainerFacts
  /** Container paths of the target: see `Method.paths`; outermost only. */
  paths: string[]
  signal: AbortSignal
  clock: Clock
  /** Runs a command in the container to its end. A non-zero exit code is a result, not an error. */
  exec(command: string[], options?: ExecOptions): Promise<ExecResult>
  /**
   * The output of a command as a stream that ends cleanly only after exit code 0 and a whole transmission. Default timeout: hours.
   * With `input` it is a conversation: answers can be read before the next question is written.
   */
  execStream(command: string[], options?: ExecOptions & { input?: Readable }): Promise<Readable>
  /** Path for this process of a path in the container; PATH_UNREACHABLE where no mount leads there. */
  hostPath(containerPath: string): string
  /** The container's IP address for HTTP, good until it is disposed: `await using place = await ctx.connect()`. */
  connect(): Promise<{ host: string } & AsyncDisposable>
  /**
   * A durable note, before the act, of something in the service that must be undone. Dispose drops it, after the undoing; whoever
   * finds this process dead calls `Method.undo` with it.
   */
  recordUndo(detail: UndoDetail): Disposable
  /** A line for the user: part of the result, and of the snapshot's manifest. */
  warn(text: string): void
}

export interface CaptureContext extends MethodContext {
  fact(name: string, value: FactValue): void
}

export interface RestoreContext extends MethodContext {
  service: {
    /** Stops the container and waits for its end; the job starts it again whatever happens. */
    stop(): Promise<void>
    /** Starts the container and waits until it runs and is healthy. */
    start(): Promise<void>
    state(): Promise<ContainerFacts['state']>
  }
  /** Put back only these paths of trees, relative to the root or as paths in the container. Absent: all. */
  only?: string[]
}

/** A snapshot that has been verified, with ways to read it. */
export interface StoredSnapshot {
  id: string
  facts: Facts
  artifacts: ArtifactRecord[]
  /** Plain bytes of a stream artifact, checked while they are read. */
  open(artifact: string): Promise<Readable>
  /** A tree artifact to the directory `to`; `only`: paths relative to the root of the tree. */
  extract(artifact: string, to: string, only?: string[]): Promise<void>
  /**
   * Compares the tree at `root` with a tree artifact: see `Repository.proveTree`. `skipDevices` are those of `TreeArtifact`.
   */
  proveTree(artifact: string, root: string, skipDevices?: string[]): Promise<TreeProof>
}

export interface ExecOptions {
  /** Default 60. */
  timeoutSeconds?: number
  environment?: Record<string, string>
  user?: string
  input?: Readable | string
}

export interface ExecResult {
  exitCode: number
  /** At most 16 MiB; more is an error. */
  stdout: string
  stderr: string
}

/** One line of proof: the comparison is shown, not only its verdict. */
export interface Check {
  name: string
  expected: string
  actual: string
  ok: boolean
}
