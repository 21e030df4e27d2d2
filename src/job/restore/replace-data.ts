import type { ContainerFacts } from '../../engine/engine.ts'
import { BackupError } from '../../errors.ts'
import type { Check, RestoreContext, UndoDetail } from '../../methods/method.ts'
import type { Target } from '../../plan/plan.ts'
import { methodOf } from '../capture.ts'
import type { Parts } from '../job.ts'
import { methodContext, storedSnapshot } from '../method-context.ts'
import type { TieredSnapshot } from '../repositories.ts'
import { findContainer, refOf } from '../service.ts'
import { controlService, type ServiceControl } from '../service-control.ts'
import { asRaw } from './raw.ts'

export interface ReplaceDataOptions {
  /** Whether the caller took the target's container down and will start it again. */
  heldDown: boolean
  /** See `ControlOptions.onDown`. */
  onDown?: (seconds: number) => void
  /** The control of a caller that has changed the service's state already. It settles it too when this fails. Default: one of its own. */
  service?: ServiceControl
  only?: string[]
  /** See `RestoreContext.rawPaths`. */
  rawPaths?: string[]
  /** See `RestoreContext`. */
  noteForRollBack?: RestoreContext['noteForRollBack']
  rollsBack?: UndoDetail
  /** The container is thrown away in the end, so that nothing in it has to be undone. */
  isThrowaway?: true
  onBytes?: (count: number) => void
  onWarning(text: string): void
  /** Receives every check, including those that failed. */
  onCheck(check: Check): void
}

/** Replaces the data of a target by a snapshot and proves it. Clients MUST be down. Throws PROOF_FAILED where a check fails. */
export async function replaceData(
  parts: Parts,
  target: Target,
  snapshot: TieredSnapshot,
  options: ReplaceDataOptions,
  signal: AbortSignal,
): Promise<void> {
  const service = options.service ?? controlService(parts, target, options, signal)
  const restored = snapshot.raw ? asRaw(target, []) : target
  const { needsRunning, load } = methodOf(parts, restored.spec)
  const { restore, prove } = await load()
  const { onBytes, only, rawPaths, rollsBack, noteForRollBack = () => {} } = options
  const ctx: RestoreContext = {
    ...methodContext(parts, restored, options.onWarning, signal),
    ...(options.isThrowaway && { recordUndo: () => new DisposableStack() }),
    service: {
      ...service,
      start: async () => {
        await service.start()
        ctx.container = await findNow(parts, ctx.container, signal)
      },
    },
    ...(only && { only }),
    ...(rawPaths && { rawPaths }),
    noteForRollBack,
    ...(rollsBack && { rollsBack }),
  }
  const stored = storedSnapshot(parts, snapshot, { signal, ...(onBytes && { onBytes }) })

  try {
    const still = await restore(ctx, restored.spec, stored)
    refuseFailed(still, options)
    if (snapshot.raw) return await settleRaw(service, options)
    await service.startForProof(needsRunning)
    ctx.container = await findNow(parts, ctx.container, signal)
    refuseFailed(await prove(ctx, restored.spec, stored), options)
  } catch (error) {
    // A failure to settle must not hide the first error.
    if (!options.service) await service.settle().catch(() => {})
    throw error
  }
  await service.settle()
}

/** A systemd unit makes another container with every start. */
async function findNow(parts: Parts, before: ContainerFacts, signal: AbortSignal): Promise<ContainerFacts> {
  if (before.unit === undefined) return before
  return (await findContainer(parts, refOf(before), signal)) ?? before
}

/** Raw data is proven by its bytes. The service may be as broken as it was when they were taken, and may not start on them. */
async function settleRaw(service: ServiceControl, { onWarning }: ReplaceDataOptions): Promise<void> {
  await service
    .settle()
    .catch((error: Error) => onWarning(`on its raw data the service did not start: ${error.message}`))
}

function refuseFailed(checks: Check[], { onCheck }: ReplaceDataOptions): void {
  for (const check of checks) onCheck(check)
  const failed = checks.filter(({ ok }) => !ok)
  if (failed.length === 0) return
  const said = failed.map(({ name, expected, actual }) => `${name}: expected ${expected}, found ${actual}`)
  throw new BackupError('PROOF_FAILED', said.join('; '))
}
