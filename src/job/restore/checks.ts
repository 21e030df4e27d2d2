import { isDeepStrictEqual } from 'node:util'
import { asBackupError, BackupError } from '../../errors.ts'
import { commandFor } from '../../hints.ts'
import { roomFor } from '../../lib/tree/in-child.ts'
import type { Target } from '../../plan/plan.ts'
import { nameRemoved, removedByStop } from '../../plan/removed.ts'
import type { Snapshot } from '../../repository/repository.ts'
import { methodOf } from '../capture.ts'
import type { Parts } from '../job.ts'
import { methodContext, resolveHostPath, storedSnapshot } from '../method-context.ts'
import { repositoryOf, snapshotRef, type TieredSnapshot } from '../repositories.ts'
import { cannotAnswer } from './broken.ts'
import type { StepInPlace } from './plan.ts'
import { whileStarting } from './while-starting.ts'

/** Runs every check that can refuse a restore of a snapshot that was read back. It changes nothing. */
export async function checkStep(parts: Parts, step: StepInPlace, warn: (text: string) => void, signal: AbortSignal) {
  const { snapshot, target } = step
  refuseOtherMethod(snapshot, target)
  refuseOtherOwners(snapshot, target)
  refuseUnknownWriters(target)
  refuseRemoval(parts, target)
  await refuseTooLarge(parts, snapshot, target, signal)
  if (!snapshot.raw) await askService(parts, step, warn, signal)
}

/** A service that cannot answer is what the restore is to mend: the method asks it again before it replaces anything. */
async function askService(
  parts: Parts,
  { snapshot, target }: StepInPlace,
  warn: (text: string) => void,
  signal: AbortSignal,
) {
  const context = methodContext(parts, target, warn, signal)
  const stored = storedSnapshot(parts, snapshot, { signal })
  try {
    const { preflight } = await methodOf(parts, target.spec).load()
    await whileStarting(parts, target, async () => await preflight?.(context, target.spec, stored), signal)
  } catch (error) {
    if (signal.aborted || !cannotAnswer(asBackupError(error))) throw error
    warn(`${target.name} could not be asked before the restore: ${asBackupError(error).message}`)
  }
}

/** Throws SNAPSHOT_DAMAGED where the copy that a restore reads is not what was stored. */
export async function refuseDamaged(parts: Parts, snapshot: TieredSnapshot, signal: AbortSignal): Promise<void> {
  const damages = await repositoryOf(parts, snapshotRef(snapshot).tier).verify(snapshot, signal)
  if (damages.length === 0) return
  const said = damages.map(({ file, reason }) => `${file}: ${reason}`).join('; ')
  throw new BackupError('SNAPSHOT_DAMAGED', `snapshot ${snapshot.id} of ${snapshot.target} is damaged: ${said}`)
}

export function refuseOtherMethod(snapshot: Snapshot, target: Target): void {
  if (snapshot.method === target.spec.method || snapshot.raw) return
  const message = `snapshot ${snapshot.id} was taken by method ${snapshot.method}, the service is labelled ${target.spec.method}`
  throw new BackupError('RESTORE_REFUSED', message, {
    hint: `Label it xnai.backup.method=${snapshot.method} again, or write the snapshot beside the stack with --to DIR.`,
  })
}

/** Owners are stored as the numeric ids that the controller saw. Under another user namespace map they would mean other users. */
export function refuseOtherOwners(snapshot: Snapshot, target: Target): void {
  const isTree = snapshot.artifacts.some(({ kind }) => kind === 'tree')
  if (!isTree || isDeepStrictEqual(snapshot.container.idMap ?? null, target.container.idMap ?? null)) return
  const message = `${target.container.name} has another user namespace map than at the backup: owners would be wrong`
  throw new BackupError('RESTORE_REFUSED', message, {
    hint: 'Create it with the map of then, or write beside it with --to DIR.',
  })
}

/** What may write while the data is replaced would destroy it. */
function refuseUnknownWriters({ unknownWriters }: Target): void {
  if (unknownWriters.length === 0) return
  const names = unknownWriters.map(({ name }) => name).join(', ')
  throw new BackupError('RESTORE_REFUSED', `${names} runs and cannot be inspected, so that it may write this data`, {
    hint: `Stop or remove it (${unknownWriters.map((one) => commandFor(one, 'rm --force')).join('; ')}), or write the snapshot beside the stack with --to DIR.`,
  })
}

/** A restore stops clients and writers, and some methods stop the service itself. */
function refuseRemoval(parts: Parts, { clients, writers, container, spec }: Target): void {
  const own = methodOf(parts, spec).stopsService ? [container] : []
  const lost = removedByStop([...new Map([...clients, ...writers, ...own].map((one) => [one.id, one])).values()])
  if (lost.length === 0) return
  const message = `a restore would stop ${nameRemoved(lost)}, and nothing could start it again`
  throw new BackupError('RESTORE_REFUSED', message, {
    hint: 'Nothing was touched. Create it without --rm, stop it yourself if it is not the service itself, or write the snapshot beside the stack with --to DIR.',
  })
}

async function refuseTooLarge(parts: Parts, snapshot: Snapshot, target: Target, signal: AbortSignal): Promise<void> {
  for (const { kind, origin, contentBytes = 0 } of snapshot.artifacts) {
    if (kind !== 'tree' || origin === undefined) continue
    const root = resolveHostPath(parts, target.container, origin)
    const { fits, free } = await roomFor(root, contentBytes, signal)
    if (fits) continue
    throw new BackupError('NO_SPACE', `${origin} needs ${contentBytes} bytes, its file system has ${free} free`)
  }
}
