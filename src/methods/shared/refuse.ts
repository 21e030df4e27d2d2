import { BackupError } from '../../errors.ts'

/** Throws RESTORE_REFUSED. It MUST be called before a restore has touched anything, because the hint says so. `way` is what to do. */
export function refuseRestore(message: string, way: string): never {
  throw new BackupError('RESTORE_REFUSED', message, { hint: `Nothing was touched. ${way}` })
}
