import { BackupError } from '../../errors.ts'
import type { Check, RestoreContext } from '../../methods/method.ts'
import type { Target } from '../../plan/plan.ts'
import { methodOf } from '../capture.ts'
import type { Parts } from '../job.ts'
import { methodContext, storedSnapshot } from '../method-context.ts'
import type { TieredSnapshot } from '../repositories.ts'
import { controlService } from '../service-control.ts'

export interface ReplaceDataOptions {
  /** Whether the caller took the target's container down and will start it again. */
  heldDown: boolean
  only?: string[]
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
  const method = methodOf(parts, target.spec)
  const service = controlService(parts, target, options.heldDown, signal)
  const ctx: RestoreContext = {
    ...methodContext(parts, target, options.onWarning, signal),
    service,
    ...(options.only && { only: options.only }),
  }
  const { onBytes } = options
  const stored = storedSnapshot(parts, snapshot, { signal, ...(onBytes && { onBytes }) })

  try {
    const still = await method.restore(ctx, target.spec, stored)
    refuseFailed(still, options)
    await service.startForProof(method.needsRunning)
    refuseFailed(await method.prove(ctx, target.spec, stored), options)
  } catch (error) {
    // A failure to settle must not hide the first error.
    await service.settle().catch(() => {})
    throw error
  }
  await service.settle()
}

function refuseFailed(checks: Check[], { onCheck }: ReplaceDataOptions): void {
  for (const check of checks) onCheck(check)
  const failed = checks.filter(({ ok }) => !ok)
  if (failed.length === 0) return
  const said = failed.map(({ name, expected, actual }) => `${name}: expected ${expected}, found ${actual}`)
  throw new BackupError('PROOF_FAILED', said.join('; '))
}
