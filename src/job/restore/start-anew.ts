import { asBackupError, BackupError } from '../../errors.ts'
import { commandFor } from '../../hints.ts'
import { clearTree, findMissing } from '../../lib/tree/in-child.ts'
import { pollAtMost } from '../../methods/shared/await-server.ts'
import { engineDevices } from '../../methods/shared/engine-devices.ts'
import type { Target } from '../../plan/plan.ts'
import { methodOf } from '../capture.ts'
import type { Parts } from '../job.ts'
import { resolveHostPath } from '../method-context.ts'
import { isDown, mayBeCutOff } from './broken.ts'
import type { RestoreStep } from './plan.ts'
import { namedPlaces } from './raw.ts'
import type { RestoreReport } from './report.ts'
import type { Safety } from './take-safety.ts'

/**
 * Whether a restore that failed may be tried again on a new, empty server: the server of now does not start, its raw data is kept, and
 * nothing but the snapshot belongs into the new one.
 */
export async function mayStartAnew(
  parts: Parts,
  { target, snapshot }: RestoreStep,
  safety: Safety,
  error: unknown,
  signal: AbortSignal,
): Promise<boolean> {
  if (!target || !methodOf(parts, target.spec).startsAnew?.(target.spec, snapshot.facts)) return false
  // Where nobody knows which of the mounts holds the data, none is emptied.
  if (namedPlaces(parts, target, snapshot).length === 0) return false
  return !signal.aborted && (await isDownNow(parts, safety, error))
}

/** A call may meet a container some time before the engine reports its end. */
const endSeconds = 3

/** Whether the server that a raw safety snapshot was taken of does not start. */
async function isDownNow({ clock }: Parts, { snapshot, service }: Safety, error: unknown): Promise<boolean> {
  if (!snapshot?.raw || !service) return false
  const failure = asBackupError(error)
  const never = new AbortController().signal
  const hasEnded = async () => (await service.state()) !== 'running'
  const wait = { what: 'the end of the container', seconds: endSeconds, clock, signal: never }
  const ended = mayBeCutOff(failure) && (await pollAtMost(hasEnded, wait))
  return isDown(failure, ended ? 'stopped' : 'running')
}

/**
 * Empties the data directories of a server that does not start. At its next start the image makes a new server in them. The directories
 * themselves stay, with owner and mode.
 */
export async function startAnew(
  parts: Parts,
  report: RestoreReport,
  { snapshot: before, service }: Safety,
  signal: AbortSignal,
): Promise<void> {
  const { snapshot } = report.step
  const target = report.step.target as Target
  const { container, name } = target
  const { noteWarning: onWarning } = report
  await service?.stop()
  const options = { exclude: [], skipDevices: engineDevices, signal, onWarning }
  for (const { path } of namedPlaces(parts, target, snapshot)) {
    const root = resolveHostPath(parts, container, path)
    if ((await findMissing([root], signal)).length === 0) await clearTree(root, '.', options)
  }
  onWarning(
    `${name} did not start with its data, so it was started anew, empty, and filled from the snapshot; what its data directory held besides (settings, other databases) is in ${before?.id}`,
  )
}

/** Adds the way out to the failure of a server that does not start with its data, and that may not be emptied unasked. */
export async function explainDown(parts: Parts, { name, container }: Target, safety: Safety, error: unknown) {
  if (!(await isDownNow(parts, safety, error))) return error
  const { code, message } = asBackupError(error)
  const { snapshot: before, rawPaths = [] } = safety
  const empty = `${container.engine} run --rm --volumes-from ${container.name} --entrypoint find ${container.image} ${rawPaths.join(' ')} -mindepth 1 -delete`
  const hint = `Its data as it was lies in ${before?.id}. To fill a new server instead: ${commandFor(container, 'stop')}; ${empty}; then restore ${name} again.`
  return new BackupError(code, message, { cause: error, hint })
}
