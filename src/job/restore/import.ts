import { BackupError } from '../../errors.ts'
import { type Target, targetKey } from '../../plan/plan.ts'
import { methodOf, refuseDown, stageTarget } from '../capture.ts'
import { newId } from '../identify.ts'
import type { Parts } from '../job.ts'
import { asCaptured, captureTier, type TieredSnapshot } from '../repositories.ts'
import { openInput } from './foreign-input.ts'

/**
 * Stores files of another program as a snapshot of a target. Their restore then takes the usual steps: checks, safety snapshot,
 * proof, roll back. The snapshot is added to `pins` before it is there: its data may be older than any that the policy keeps.
 */
export async function importSnapshot(
  parts: Parts,
  target: Target,
  from: string,
  pins: DisposableStack,
  signal: AbortSignal,
): Promise<TieredSnapshot> {
  const method = methodOf(parts, target.spec)
  const { import: readForeign } = await method.load()
  if (!readForeign) {
    throw new BackupError(
      'RESTORE_REFUSED',
      `${targetKey(target)}: method ${method.kind} reads its own snapshots only`,
      {
        hint: 'Nothing was touched. Restore it by the tools of the service.',
      },
    )
  }
  // Files of a server are read by the programs of that server, in its container.
  if (method.needsRunning) refuseDown(target.container, method)
  await using input = await openInput(parts, from, signal)
  await using captured = await stageTarget(parts, target, (ctx) => readForeign(ctx, target.spec, input), { signal })
  const now = parts.clock.now()
  const time = new Date(Math.min(input.time.getTime(), now.getTime()))
  const id = newId(time)
  pins.use(parts.catalog.pin([{ tier: captureTier, id }]))
  const window = {
    id,
    run: newId(now),
    set: newId(now),
    time: time.toISOString(),
    reason: 'import' as const,
    quiesced: [],
    warnings: [`taken from ${input.name}`],
  }
  return asCaptured(await captured.publish(window, signal))
}
