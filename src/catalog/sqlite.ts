import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { BackupError } from '../errors.ts'
import type { Catalog } from './catalog.ts'
import { makeConfirmedKeys } from './confirmed-keys.ts'
import { makeDamageMemory } from './damage.ts'
import { type Database, openDatabase } from './database.ts'
import { makeHostMemory } from './host.ts'
import { makeIdentities } from './identities.ts'
import { makeIntents } from './intents.ts'
import { makeLocks } from './locks.ts'
import { makeManifestCache } from './manifests.ts'
import { makeNotices } from './notices.ts'
import { becomeOwner, type Owner } from './owner.ts'
import { makePins } from './pins.ts'
import { makePruning } from './prune-state.ts'
import { makeReplicating } from './replication-state.ts'
import { makeRuns } from './runs.ts'
import { makeSchedules } from './schedules.ts'

/**
 * The catalog in one SQLite database in the state directory, which the controller shares with every command that runs beside it.
 * Throws STATE_UNUSABLE where the directory cannot be used, or where a newer program has used it.
 */
export function openCatalog(stateDirectory: string): Catalog {
  const { owner, database } = openState(stateDirectory)
  const intents = makeIntents(database, owner)
  const schedules = makeSchedules(database)
  return {
    owner: owner.id,
    state: String(database.all('SELECT id FROM state')[0]?.id),
    ...makeLocks(database, owner),
    ...intents,
    ...makePins(database, owner, intents.intents),
    ...makeRuns(database, owner),
    ...schedules,
    ...makePruning(schedules),
    ...makeReplicating(schedules),
    ...makeNotices(database, owner),
    manifests: makeManifestCache(database),
    identities: makeIdentities(database),
    damage: makeDamageMemory(database),
    confirmedKeys: makeConfirmedKeys(database),
    host: makeHostMemory(database),
    [Symbol.dispose]: () => {
      database[Symbol.dispose]()
      owner[Symbol.dispose]()
    },
  }
}

function openState(stateDirectory: string): { owner: Owner; database: Database } {
  try {
    const owners = join(stateDirectory, 'owners')
    mkdirSync(owners, { recursive: true, mode: 0o700 })
    using opened = new DisposableStack()
    const owner = opened.use(becomeOwner(owners))
    const database = openDatabase(stateDirectory)
    opened.move()
    return { owner, database }
  } catch (cause) {
    throw explain(stateDirectory, cause as Error)
  }
}

/** The error of a user without the right to write there says only that, and how to get it. */
function explain(stateDirectory: string, cause: NodeJS.ErrnoException): BackupError {
  const where = `state directory ${stateDirectory}`
  if (cause.code === 'EACCES' || cause.code === 'EPERM')
    return new BackupError('STATE_UNUSABLE', `${where}: this user may not write there`, { hint: needsRoot })
  const hint = cause instanceof BackupError ? { hint: cause.hint } : {}
  return new BackupError('STATE_UNUSABLE', `${where}: ${cause.message}`, { cause, ...hint })
}

const needsRoot =
  'Run it as root. For a rootless engine run it as its user by podman unshare, with XNAI_BACKUP_STATE set to a folder of that user.'
