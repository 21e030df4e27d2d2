import { replicationLock } from '../catalog/keys.ts'
import type { ReplicationEnd } from '../catalog/replicating.ts'
import { asBackupError, BackupError, reportError } from '../errors.ts'
import { longSeconds, settleWith, withDeadline } from '../lib/deadline.ts'
import { logFailure } from '../lib/log-failure.ts'
import { targetKeyOf } from '../plan/plan.ts'
import type { Snapshot } from '../repository/repository.ts'
import { currentPlan } from './current-plan.ts'
import { isBusy } from './hold-locks.ts'
import { newId } from './identify.ts'
import type { Parts } from './job.ts'
import { pinSnapshots } from './pins.ts'
import { askTier, captureTier, listTier, remoteTier, repositoryOf } from './repositories.ts'
import { waitingCopies } from './waiting.ts'

/** What was copied, and what could not be copied because it is damaged. */
export interface Replicated {
  copied: Snapshot[]
  damaged: Snapshot[]
}

/** Snapshots that are copied in one go. A pass that comes meanwhile finds what they leave. */
const batchSize = 25

/**
 * Copies to the remote repository what its policy would keep there, and records how that ended. It needs no container and no lock of a
 * target, so that backups go on beside it. BUSY while another process does so.
 */
export async function replicate(parts: Parts, signal: AbortSignal): Promise<Replicated> {
  const replicated: Replicated = { copied: [], damaged: [] }
  const record = (outcome: ReplicationEnd['outcome'], error?: unknown) => {
    const end = { time: parts.clock.now().toISOString(), outcome, copied: replicated.copied.length }
    try {
      parts.catalog.saveReplication({ ...end, ...(error !== undefined && { error: reportError(error) }) })
    } catch (failure) {
      logFailure(parts.log, 'the end of the copying could not be recorded', failure)
    }
  }
  try {
    using _alone = parts.catalog.lock([replicationLock], newId(parts.clock.now()))
    for (const batch of await planBatches(parts, signal)) await copyBatch(parts, batch, replicated, signal)
    const [first] = replicated.damaged
    record(first ? 'incomplete' : 'complete', first && damagedError(first))
    return replicated
  } catch (error) {
    if (!isBusy(error) && !signal.aborted) record('failed', asBackupError(error, 'REPOSITORY_FAILED'))
    throw error
  }
}

const damagedError = (snapshot: Snapshot) =>
  new BackupError(
    'SNAPSHOT_DAMAGED',
    `snapshot ${snapshot.id} of ${targetKeyOf(snapshot)} is damaged and was not copied`,
    {
      hint: 'The others were copied. Look at the disk: xnai-backup check --read-data.',
    },
  )

/** First removes what a copy left that died. */
async function planBatches(parts: Parts, signal: AbortSignal): Promise<Snapshot[][]> {
  const { plan } = await currentPlan(parts, signal)
  const remote = await listTier(parts, remoteTier, signal)
  await repositoryOf(parts, remoteTier).sweep(signal)
  const local = await listTier(parts, captureTier, signal)
  const waiting = waitingCopies(parts, plan, local, remote)
  return Array.from({ length: Math.ceil(waiting.length / batchSize) }, (_, index) =>
    waiting.slice(index * batchSize, (index + 1) * batchSize),
  )
}

/** One damaged snapshot keeps no other one from being copied. Programs of others may not say which one it is. */
async function copyBatch(parts: Parts, batch: Snapshot[], replicated: Replicated, signal: AbortSignal): Promise<void> {
  try {
    await copyPinned(parts, batch, replicated, signal)
  } catch (error) {
    if (signal.aborted) throw error
    await askTier(parts, remoteTier, signal)
    const [first, ...others] = batch.filter((one) => !replicated.copied.includes(one))
    if (!first) return
    if (others.length === 0) {
      if ((await repositoryOf(parts, captureTier).verify(first, signal)).length === 0) throw error
      replicated.damaged.push(first)
      return logFailure(parts.log, 'a snapshot is damaged and was not copied', error, { snapshot: first.id })
    }
    for (const one of [first, ...others]) await copyBatch(parts, [one], replicated, signal)
  }
}

/** Neither the source nor the copy may be removed meanwhile. */
async function copyPinned(parts: Parts, batch: Snapshot[], { copied }: Replicated, signal: AbortSignal): Promise<void> {
  const refs = batch.map(({ id }) => ({ tier: captureTier, id }))
  using _sources = await pinSnapshots(parts, refs, signal)
  using _copies = parts.catalog.pin(refs.map(({ id }) => ({ tier: remoteTier, id })))
  using deadline = withDeadline(signal, longSeconds, 'the copying to the remote repository')
  const onCopied = (snapshot: Snapshot) => {
    copied.push(snapshot)
    const { id, bytes } = snapshot
    parts.log.info({ snapshot: id, target: targetKeyOf(snapshot), bytes }, 'snapshot is in the remote repository')
  }
  const to = repositoryOf(parts, remoteTier)
  await settleWith(deadline, () => to.copyFrom(repositoryOf(parts, captureTier), batch, { signal: deadline, onCopied }))
}
