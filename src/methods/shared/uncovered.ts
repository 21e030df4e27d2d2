import { BackupError } from '../../errors.ts'
import type { RestoreContext } from '../method.ts'

/**
 * RESTORE_REFUSED where the server keeps data outside of what the raw safety snapshot holds: it could not be put back. Directories are
 * absolute paths in the container; an empty text is one that the server did not tell.
 */
export function refuseUncovered({ rawPaths, container }: RestoreContext, directories: string[]): void {
  if (!rawPaths) return
  const isCovered = (path: string) => rawPaths.some((kept) => path === kept || path.startsWith(`${kept}/`))
  const outside = directories.filter((path) => path !== '' && !isCovered(path.replace(/\/+$/, '') || '/'))
  if (outside.length === 0) return
  const message = `${container.name} keeps data in ${outside.join(', ')}, and its raw safety snapshot holds ${rawPaths.join(', ')} only`
  const hint = 'Nothing was touched. Copy that directory by hand, then add --no-safety; then nothing can be put back.'
  throw new BackupError('RESTORE_REFUSED', message, { hint })
}
