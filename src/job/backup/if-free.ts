import { asBackupError } from '../../errors.ts'
import type { Target } from '../../plan/plan.ts'
import { type BackupOptions, type BackupRun, runBackup, touchedByBackup } from '../backup.ts'
import { newId } from '../identify.ts'
import type { Parts } from '../job.ts'
import { lockPlan } from '../lock-plan.ts'

/**
 * Backs up the targets of one window as `runBackup` does, but waits for no other run: it resolves to undefined, and has recorded
 * nothing, while one holds a target or a container that it needs. Any other failure to lock is recorded as that of the run.
 */
export async function runBackupIfFree(
  parts: Parts,
  targets: Target[],
  options: BackupOptions,
  signal: AbortSignal,
): Promise<BackupRun | undefined> {
  const run = newId(parts.clock.now())
  const locked = lockPlan(parts, targets, { touched: touchedByBackup, run, waits: false }, signal)
  const failure = await locked.then(() => undefined, asBackupError)
  if (failure?.code === 'BUSY') return undefined
  try {
    return await runBackup(parts, targets, { ...options, locking: { run, locked } }, signal)
  } finally {
    if (!failure) (await locked)[Symbol.dispose]()
  }
}
