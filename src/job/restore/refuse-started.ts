import type { Target } from '../../plan/plan.ts'
import type { Parts } from '../job.ts'
import type { Held } from '../quiesce.ts'
import { findDisturbed } from '../window.ts'

/**
 * Throws NOT_STILL where a container that can write the data was started since its writers were taken down: the safety snapshot may be
 * torn, and what is put in place would be written to meanwhile.
 */
export async function refuseStarted(parts: Parts, target: Target, down: Held, signal: AbortSignal): Promise<void> {
  // A method may start the service that it asks.
  const others = target.touched.filter(({ name }) => name !== target.container.name || down.names.includes(name))
  const disturbed = await findDisturbed(parts, [{ ...target, touched: others }], down, signal)
  if (disturbed) throw disturbed
}
