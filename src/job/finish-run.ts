import type { RunEnd } from '../catalog/catalog.ts'
import type { Parts } from './job.ts'

/**
 * Records the end of one target's run. A catalog that cannot be written loses history and MUST NOT hide the result of the run.
 */
export function finishRun(
  { catalog, log }: Parts,
  run: string,
  { project, target }: { project: string; target: string },
  end: RunEnd,
): void {
  try {
    catalog.finishRun(run, project, target, end)
  } catch (err) {
    log.error({ err, run }, 'the end of a run could not be recorded')
  }
}
