import type { ContainerFacts } from '../engine/engine.ts'
import type { Target } from '../plan/plan.ts'
import type { QuiesceOrder } from './quiesce.ts'
import { defaultStartSeconds } from './service.ts'

/** The orders to stop these containers while the data of the targets is replaced. */
export function downOrders(down: ContainerFacts[], targets: Target[]): QuiesceOrder[] {
  return down.map((container) => {
    const own = targets.find((target) => target.container.id === container.id)?.spec
    return {
      container,
      how: 'stop',
      startTimeoutSeconds: own?.startTimeoutSeconds ?? defaultStartSeconds,
      ...(own?.stopTimeoutSeconds !== undefined && { stopTimeoutSeconds: own.stopTimeoutSeconds }),
    }
  })
}
