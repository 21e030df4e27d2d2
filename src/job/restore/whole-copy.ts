import { asBackupError, BackupError } from '../../errors.ts'
import type { Tier } from '../../repository/repository.ts'
import type { Parts } from '../job.ts'
import { pinSnapshots } from '../pins.ts'
import { findSnapshot, type TieredSnapshot } from '../repositories.ts'
import type { RestoreReport } from './report.ts'

/**
 * Reads the snapshot of a restore back, from each repository that holds it until one copy is whole, and lets the restore take that one.
 * SNAPSHOT_DAMAGED where none is. `read` MUST throw where a copy is not whole; what it answers of the one that is taken is answered.
 */
export async function chooseWholeCopy<Answer>(
  parts: Parts,
  report: RestoreReport,
  pins: DisposableStack,
  signal: AbortSignal,
  read: (copy: TieredSnapshot) => Promise<Answer>,
): Promise<Answer> {
  const { snapshot } = report.step
  let failure: BackupError | undefined
  for (const tier of snapshot.tiers) {
    try {
      const found = tier === snapshot.tiers[0] ? snapshot : await pinCopy(parts, snapshot, tier, pins, signal)
      const copy = { ...found, tiers: [tier] }
      const answer = await read(copy)
      if (failure) report.noteWarning(`${failure.message}: the copy in the ${tier} repository is restored`)
      report.useCopy(copy)
      return answer
    } catch (error) {
      if (signal.aborted) throw error
      failure ??= asBackupError(error)
    }
  }
  throw failure ?? new BackupError('NO_SUCH_SNAPSHOT', `no repository holds snapshot ${snapshot.id}`)
}

/** The copy was not chosen before, so that nothing has kept it from being removed. */
async function pinCopy(
  parts: Parts,
  { id }: TieredSnapshot,
  tier: Tier,
  pins: DisposableStack,
  signal: AbortSignal,
): Promise<TieredSnapshot> {
  pins.use(await pinSnapshots(parts, [{ tier, id }], signal))
  return await findSnapshot(parts, { tier, id }, signal)
}
