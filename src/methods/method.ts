import type { Readable } from 'node:stream'
import type { ContainerFacts } from '../engine/engine.ts'
import type { MethodKind, TargetSpec } from '../labels/spec.ts'
import type { Clock } from '../lib/clock.ts'
import type { Artifact, ArtifactRecord, Facts, FactValue, TreeArtifact, TreeProof } from '../repository/repository.ts'

/**
 * How one kind of data is captured, put back and proven. Each method has a folder of its own, and must not know another. What is here
 * plans; what works on data is loaded on demand.
 */
export interface Method<K extends MethodKind = MethodKind> {
  kind: K
  /** True when the labelled container MUST run while it is captured. It is then never quiesced itself; other writers of its data are. */
  needsRunning: boolean
  /** True when `restore` may stop the labelled container beyond the writers of its paths. Default false. */
  stopsService?: true
  /**
   * Container paths whose content is captured. Every container that can write there is quiesced. Empty where the server itself gives a
   * consistent state.
   */
  paths(spec: TargetSpec<K>, container: ContainerFacts): string[]
  /**
   * Container paths that a restore of the snapshot replaces, told without asking the server, whatever the labels name by now. The safety
   * snapshot MUST hold them. Absent, or empty: only the server knows them.
   */
  replaces?(snapshot: Pick<StoredSnapshot, 'facts' | 'artifacts'>): string[]
  /**
   * Container paths at which the service keeps what a restore replaces, told without asking it: from labels, inspect facts, the facts
   * of the snapshot, and defaults of the image. They are taken raw where what is there now is too broken to be captured. One that lies
   * on no mount is left out. Absent: those of `paths`.
   */
  dataPaths?(spec: TargetSpec<K>, container: ContainerFacts, facts: Facts): string[]
  /**
   * Whether an empty data directory becomes an empty server at the next start, which a restore fills with all that belongs to the
   * target. The data of a server that does not start is then removed, once a raw safety snapshot of it is proven. Absent: never.
   */
  startsAnew?(spec: TargetSpec<K>, facts: Facts): boolean
  /**
   * The trees that `capture` yields, and nothing else. `capture` MUST take them from this function, so that a repository can prepare
   * the very same ones before their writers are held. Absent: it yields no trees that can be read before.
   */
  trees?(ctx: Pick<CaptureContext, 'paths' | 'treeRoot' | 'only'>, spec: TargetSpec<K>): TreeArtifact[]
  /** Loads what works on data. It MUST have been called before anything is touched: see `loadWork`. */
  load(): Promise<MethodWork<K>>
}

/** The part of a method that reads and replaces data. */
export interface MethodWork<K extends MethodKind = MethodKind> {
  /** Yields artifacts in order. It MUST record facts by `ctx.fact` before it ends, and throw where a dump failed, was cut or is empty. */
  capture(ctx: CaptureContext, spec: TargetSpec<K>): AsyncIterable<Artifact>
  /** Throws where this service cannot take the snapshot (older version, missing extension). It must not touch anything. */
  preflight?(ctx: MethodContext, spec: TargetSpec<K>, snapshot: StoredSnapshot): Promise<void>
  /** Reads what another program wrote as if it had been captured: `restore --from`. Absent: the method can read nothing of the kind. */
  import?(ctx: CaptureContext, spec: TargetSpec<K>, input: ForeignInput): AsyncIterable<Artifact>
  /**
   * Replaces the data. Clients are down; the container is as it was found. It brings the service into the state it needs by
   * `ctx.service`; the job starts and gates it afterwards. Throws: the job puts the state before back by the same function.
   * Answers the proofs that can only be had before the service runs again.
   */
  restore(ctx: RestoreContext, spec: TargetSpec<K>, snapshot: StoredSnapshot): Promise<Check[]>
  /** Undoes what a dead run noted by `ctx.recordUndo`. It MUST be safe to repeat; what is gone already is a success. */
  undo?(ctx: MethodContext, spec: TargetSpec<K>, detail: UndoDetail): Promise<void>
  /** Compares what is there now with the facts of the snapshot. The service runs. */
  prove(ctx: RestoreContext, spec: TargetSpec<K>, snapshot: StoredSnapshot): Promise<Check[]>
}

/** Files that another program wrote: one file, a folder with all below it, or the content of a tar archive. */
export interface ForeignInput {
  /** The name that the user gave. */
  name: string
  /** The outermost come first. A folder that the user named is itself the first one. */
  entries: ForeignEntry[]
}

export interface ForeignEntry {
  /** Path for this process. */
  path: string
  name: string
  isDirectory: boolean
}

/** What `Method.undo` needs to know. It must not hold a secret. */
export type UndoDetail = Record<string, string>

/** The slice of the world that a method sees. */
export interface MethodContext {
  container: ContainerFacts
  /** Container paths of the target: see `Method.paths`. No path lies below another. */
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
  /** The path for this process of a path in the container. Throws PATH_UNREACHABLE where no mount leads there. */
  hostPath(containerPath: string): string
  /**
   * The same path as the root of a tree, for what works on whole trees (lib/tree, the repository), which itself refuses one behind a
   * symbolic link. It asks no file system, so that one that hangs stops nobody here.
   */
  treeRoot(containerPath: string): string
  /** The IP address of the container for HTTP. It is good until it is disposed: `await using place = await ctx.connect()`. */
  connect(): Promise<{ host: string } & AsyncDisposable>
  /**
   * A durable note, before the act, of something in the service that must be undone. Dispose drops it, after the undoing; whoever
   * finds this process dead calls `Method.undo` with it.
   */
  recordUndo(detail: UndoDetail): Disposable
  /** Tells the user a line, which becomes part of the result and of the snapshot. */
  warn(text: string): void
}

export interface CaptureContext extends MethodContext {
  /** Takes these paths of trees alone, given as in `RestoreContext.only`. Absent: all. Methods that dump are never asked for less. */
  only?: string[]
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
  /** The paths of trees that are to be put back, relative to the root or as paths in the container. Absent: all. */
  only?: string[]
  /**
   * Container paths that a raw safety snapshot holds: what lies elsewhere could not be put back, and MUST NOT be replaced. Absent: the
   * safety snapshot is the method's own, or there is none.
   */
  rawPaths?: string[]
  /**
   * Notes durably, before the act, what the roll back of this restore has to know beyond its safety snapshot: what the restore makes that
   * was not there, or replaces that the safety snapshot does not hold. A later call replaces it. It MUST NOT hold a secret.
   */
  noteForRollBack(detail: UndoDetail): void
  /** Present in a roll back: what the restore noted. */
  rollsBack?: UndoDetail
}

/** A snapshot that has been verified, with ways to read it. */
export interface StoredSnapshot {
  id: string
  facts: Facts
  artifacts: ArtifactRecord[]
  /** The plain bytes of a stream artifact: see `Repository.open`. */
  open(artifact: string): Promise<Readable>
  /** Puts a tree artifact to the directory `to`: see `Repository.extract`. The paths of `only` are relative to the root of the tree. */
  extract(artifact: string, to: string, only?: string[]): Promise<void>
  /**
   * Compares the tree at `root` with a tree artifact: see `Repository.proveTree`. `skipDevices` are those of `TreeArtifact`, `only` the
   * paths that `extract` has put there before.
   */
  proveTree(artifact: string, root: string, how?: { skipDevices?: string[]; only?: string[] }): Promise<TreeProof>
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
