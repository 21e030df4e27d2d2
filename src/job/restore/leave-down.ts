import { logFailure } from '../../lib/log-failure.ts'
import type { Target } from '../../plan/plan.ts'
import type { Parts } from '../job.ts'
import type { Held } from '../quiesce.ts'
import { keptDown } from '../recover/unfinished.ts'
import type { ServiceControl } from '../service-control.ts'

/**
 * Keeps what serves the data of a target down after its roll back has failed. The intent to roll back MUST have been abandoned: whoever
 * carries it out brings these containers back.
 */
export async function leaveDown(
  parts: Parts,
  target: Target,
  { down, service }: { down: Held; service: ServiceControl },
): Promise<void> {
  down.leave(keptDown(target))
  await service.leave().catch((error) => {
    logFailure(parts.log, 'a service could not be stopped', error, { container: target.container.name })
  })
}
