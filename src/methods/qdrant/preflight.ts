import { BackupError } from '../../errors.ts'
import type { Inventory } from './inventory.ts'
import type { Server } from './server.ts'
import { refuseVersion } from './version.ts'

/** RESTORE_REFUSED for what this server cannot take. */
export async function preflightRestore({ api, version }: Server, saved: Inventory): Promise<void> {
  const refusal = refuseVersion(saved.server, version)
  if (refusal) throw new BackupError('RESTORE_REFUSED', refusal.reason, { hint: refusal.hint })
  if (saved.complete) return
  const own = new Set(saved.collections.map(({ name }) => name))
  const others = (await api.collections()).filter((name) => !own.has(name))
  const taken = saved.aliases.find(({ alias_name }) => others.includes(alias_name))
  if (!taken) return
  throw new BackupError('RESTORE_REFUSED', `${taken.alias_name}, an alias in the snapshot, is a collection now`, {
    hint: 'Nothing was touched. Name that collection in qdrant.collections too, or delete it.',
  })
}
