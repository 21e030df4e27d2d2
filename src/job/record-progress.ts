import type { RunProgress } from '../catalog/progress.ts'
import { logFailure } from '../lib/log-failure.ts'
import type { Parts, Progress } from './job.ts'

/** A write is synced to the disk. Who looks at a running job is content with this. */
const noteMs = 2000

/**
 * Shows other processes how far a run has come, through the catalog, and tells `own` too. A catalog that cannot be written keeps no run
 * from going on.
 */
export function recordProgress(
  { catalog, clock, log }: Pick<Parts, 'catalog' | 'clock' | 'log'>,
  run: string,
  own: Progress | undefined,
): Progress {
  const known = new Map<string, RunProgress & { notedMs: number }>()
  const note = (key: string, progress: RunProgress) => {
    known.set(key, { ...progress, notedMs: clock.monotonicMs() })
    const [project = '', target = ''] = key.split('/')
    try {
      catalog.noteProgress(run, project, target, progress)
    } catch (error) {
      logFailure(log, 'the progress of the run could not be recorded', error, { run, level: 'debug' })
    }
  }
  return {
    step(key, step) {
      note(key, { step, since: clock.now().toISOString(), bytes: 0 })
      own?.step(key, step)
    },
    bytes(key, count) {
      const { notedMs, ...progress } = known.get(key) ?? {
        step: '',
        since: clock.now().toISOString(),
        bytes: 0,
        notedMs: 0,
      }
      const next = { ...progress, bytes: progress.bytes + count }
      if (clock.monotonicMs() - notedMs >= noteMs) note(key, next)
      else known.set(key, { ...next, notedMs })
      own?.bytes(key, count)
    },
  }
}
