import type { ContainerFacts } from '../engine/engine.ts'
import { asBackupError, BackupError } from '../errors.ts'
import { commandFor, startHint } from '../hints.ts'
import type { TargetSpec } from '../labels/spec.ts'
import { settleWith } from '../lib/deadline.ts'
import type { CaptureContext, Method } from '../methods/method.ts'
import { type Target, targetKey } from '../plan/plan.ts'
import type {
  Artifact,
  Facts,
  Prepared,
  Snapshot,
  SnapshotMeta,
  SnapshotReason,
  Staged,
} from '../repository/repository.ts'
import { version } from '../version.ts'
import { waitShortly } from './abandon.ts'
import { newId } from './identify.ts'
import type { Parts, Progress } from './job.ts'
import { methodContext } from './method-context.ts'
import { captureTier, repositoryOf } from './repositories.ts'
import { inspectNow } from './service.ts'

/** How often data is read that is captured without stopping anything and must prove that it stood still. */
const stillnessAttempts = 3

/** Bytes and facts of one target, taken in and not yet listed. Disposing it removes what was not published. */
export interface Captured extends AsyncDisposable {
  publish(window: Window, signal: AbortSignal): Promise<Snapshot>
}

/** What a run knows of the quiesce window in which the capture was made. */
export interface Window {
  /** The id of the snapshot, for who pins it before it is there. Default: a new one. */
  id?: string
  run: string
  set: string
  /** The instant that the data belongs to, ISO 8601 UTC. */
  time: string
  reason: SnapshotReason
  /** See `SnapshotMeta.raw`. */
  raw?: true
  quiesced: string[]
  /** See `SnapshotMeta.heldSeconds`. */
  heldSeconds?: Record<string, number>
  warnings: string[]
}

export interface CaptureOptions {
  progress?: Progress
  prepared?: Prepared
  /** See `CaptureContext.only`. */
  only?: string[]
  /**
   * Takes over the work of a repository that does not end with the signal, so that nobody waits for it; it discards what it still takes
   * in. Default: it is waited for, for a short time.
   */
  abandon?: (work: Promise<void>) => void | Promise<void>
}

export async function captureTarget(
  parts: Parts,
  target: Target,
  options: CaptureOptions,
  signal: AbortSignal,
): Promise<Captured> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await captureOnce(parts, target, options, signal)
    } catch (error) {
      const again =
        asBackupError(error).code === 'NOT_STILL' && target.quiesce === 'none' && attempt < stillnessAttempts
      if (!again) throw error
      await parts.clock.sleep(attempt * 1000, signal)
    }
  }
}

async function captureOnce(
  parts: Parts,
  target: Target,
  options: CaptureOptions,
  signal: AbortSignal,
): Promise<Captured> {
  const container = await findNow(parts, target.container, signal)
  if (!container) throw new BackupError('NO_SUCH_CONTAINER', `container ${target.container.name} is gone`)
  const method = methodOf(parts, target.spec)
  if (method.needsRunning) refuseDown(container, method)
  const { capture } = await method.load()
  const read = (ctx: CaptureContext) => capture(ctx, target.spec)
  return stageTarget(parts, { ...target, container }, read, { ...options, signal })
}

/** The container of a systemd unit is gone while the unit is held. Its mounts are those of before. */
async function findNow(parts: Parts, before: ContainerFacts, signal: AbortSignal): Promise<ContainerFacts | undefined> {
  const now = await inspectNow(parts, before, signal)
  return now || before.unit === undefined ? now : { ...before, state: 'stopped' }
}

/** Takes in what `read` yields, with the facts and warnings that it records. */
export async function stageTarget(
  parts: Parts,
  target: Target,
  read: (ctx: CaptureContext) => AsyncIterable<Artifact>,
  { signal, progress, prepared, only, abandon = awaitShortly }: CaptureOptions & { signal: AbortSignal },
): Promise<Captured> {
  const facts: Facts = {}
  const warnings: string[] = []
  const artifacts = read({
    ...methodContext(parts, target, (text) => void warnings.push(text), signal),
    ...(only && { only }),
    fact: (name, value) => {
      facts[name] = value
    },
  })
  const { project, name } = target
  const options = {
    signal,
    ...(prepared && { prepared }),
    onWarning: (text: string) => void warnings.push(text),
    onBytes: (count: number) => progress?.bytes(targetKey(target), count),
  }
  const stage = () => repositoryOf(parts, captureTier).stage({ project, target: name }, artifacts, options)
  const staged = await endWithSignal(stage, { signal, abandon })
  const captured = holdStaged(parts, target, staged, { facts, warnings })
  try {
    refuseEmpty(staged)
    return captured
  } catch (error) {
    await captured[Symbol.asyncDispose]()
    throw error
  }
}

/** A repository or a source may hang and never settle. What such work takes in later is discarded and never published. */
async function endWithSignal(
  stage: () => Promise<Staged>,
  { signal, abandon }: { signal: AbortSignal; abandon: NonNullable<CaptureOptions['abandon']> },
): Promise<Staged> {
  let work: Promise<Staged> | undefined
  try {
    return await settleWith(signal, () => (work = stage()))
  } catch (error) {
    if (!signal.aborted) throw error
    const discarded = work?.then((late) => late.discard()).catch(() => {})
    if (discarded) await abandon(discarded)
    throw signal.reason
  }
}

const awaitShortly = (work: Promise<void>) => waitShortly(() => work).catch(() => {})

function holdStaged(
  parts: Parts,
  { project, name, spec, container }: Target,
  staged: Staged,
  found: { facts: Facts; warnings: string[] },
): Captured {
  let open = true
  return {
    publish: async (window, signal) => {
      const engine = await parts.engine.info(signal)
      const meta: SnapshotMeta = {
        ...window,
        id: window.id ?? newId(new Date(window.time)),
        project,
        target: name,
        method: spec.method,
        facts: found.facts,
        container: {
          name: container.name,
          image: container.image,
          imageId: container.imageId,
          user: container.user,
          ...(container.idMap && { idMap: container.idMap }),
        },
        engine: { name: engine.name, version: engine.version },
        creator: version,
        warnings: [...window.warnings, ...found.warnings],
      }
      open = false
      return staged.publish(meta, signal)
    },
    [Symbol.asyncDispose]: async () => {
      if (open) await staged.discard()
      open = false
    },
  }
}

/** Throws SERVICE_DOWN where the container does not run and the method needs its server. */
export function refuseDown(container: ContainerFacts, { kind }: Method): void {
  const { name, state } = container
  if (state === 'running') return
  const hint = state === 'paused' ? `Let it run again: ${commandFor(container, 'unpause')}` : startHint(container)
  throw new BackupError('SERVICE_DOWN', `${name} is ${state}; method ${kind} asks the running server`, { hint })
}

/** A dump that came out empty is a failed run, whatever its tool said (P4 in docs/promises.md). */
function refuseEmpty(staged: Staged): void {
  const empty = staged.artifacts.find(({ kind, bytes }) => kind === 'stream' && bytes === 0)
  if (empty) throw new BackupError('DUMP_FAILED', `${empty.name} came out empty`)
  if (staged.artifacts.length === 0) throw new BackupError('DUMP_FAILED', 'nothing was captured')
}

/** The method of a target; plan has refused targets whose method is not there. */
export function methodOf(parts: Parts, spec: Pick<TargetSpec, 'method'>): Method {
  const method = parts.methods[spec.method]
  if (!method) throw new BackupError('METHOD_UNAVAILABLE', `method ${spec.method} is not available`)
  return method as Method
}
