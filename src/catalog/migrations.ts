import type { DatabaseSync } from 'node:sqlite'
import { BackupError } from '../errors.ts'
import { inTransaction } from './transaction.ts'

/**
 * The schema, as the steps that lead to it. Step n brings a database from version n to version n + 1 (`PRAGMA user_version`), in a
 * transaction of its own. A step that was released MUST NOT be changed any more; a new schema is a new step at the end.
 */
const steps = [
  // Programs before the first version of the schema made the same tables without a version: they may be there already.
  `CREATE TABLE IF NOT EXISTS locks (key TEXT PRIMARY KEY, owner TEXT NOT NULL, run TEXT NOT NULL) STRICT;
   CREATE TABLE IF NOT EXISTS intents (id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT, detail TEXT NOT NULL) STRICT;
   CREATE TABLE IF NOT EXISTS runs (id TEXT, owner TEXT NOT NULL, kind TEXT NOT NULL, project TEXT NOT NULL, target TEXT NOT NULL,
     started TEXT NOT NULL, outcome TEXT, end TEXT, PRIMARY KEY (id, project, target)) STRICT;
   CREATE INDEX IF NOT EXISTS runs_by_target ON runs (project, target, started);
   CREATE TABLE IF NOT EXISTS schedules (project TEXT, target TEXT, state TEXT NOT NULL, PRIMARY KEY (project, target)) STRICT;`,
  `DROP INDEX runs_by_target;
   CREATE INDEX runs_by_kind ON runs (project, target, kind, started);
   CREATE INDEX runs_by_time ON runs (started);
   CREATE TABLE manifests (repository TEXT, folder TEXT, identity TEXT NOT NULL, snapshot TEXT NOT NULL,
     PRIMARY KEY (repository, folder)) STRICT;`,
  'CREATE TABLE repositories (tier TEXT, url TEXT, id TEXT NOT NULL, PRIMARY KEY (tier, url)) STRICT;',
  'ALTER TABLE locks ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;',
  `CREATE TABLE state (id TEXT NOT NULL) STRICT;
   INSERT INTO state VALUES (lower(hex(randomblob(8))));`,
  `CREATE TABLE damage (repository TEXT, project TEXT, target TEXT, snapshot TEXT, found TEXT NOT NULL, depth TEXT NOT NULL,
     files TEXT NOT NULL, PRIMARY KEY (repository, project, target, snapshot)) STRICT;`,
  // told: 1 once a controller has told of the begin of a run, 2 of its end. Nobody tells of runs from before this version.
  `ALTER TABLE runs ADD COLUMN "trigger" TEXT;
   ALTER TABLE runs ADD COLUMN told INTEGER NOT NULL DEFAULT 2;
   CREATE INDEX runs_untold ON runs (started) WHERE told < 2;`,
  `CREATE TABLE pins (id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, kind TEXT NOT NULL, tier TEXT NOT NULL,
     snapshot TEXT NOT NULL) STRICT;`,
  'CREATE TABLE confirmed_keys (code TEXT PRIMARY KEY) STRICT;',
  'ALTER TABLE runs ADD COLUMN progress TEXT;',
  // noticed: 1 once the begin of a run was considered for notifications, 2 once its end was.
  `ALTER TABLE runs ADD COLUMN noticed INTEGER NOT NULL DEFAULT 2;
   CREATE INDEX runs_unnoticed ON runs (started) WHERE noticed < 2;
   CREATE TABLE notices (id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL, detail TEXT NOT NULL) STRICT;`,
  // claims: 1 where versions that wrote no host into snapshots have used the repository from here, so that those are of this host.
  `CREATE TABLE host (name TEXT NOT NULL) STRICT;
   ALTER TABLE repositories ADD COLUMN claims INTEGER NOT NULL DEFAULT 0;
   UPDATE repositories SET claims = 1;`,
]

/** The version that `upgrade` brings the schema to. */
export const schemaVersion = steps.length

/** Brings the schema to the newest version. Two processes may do so at the same time: each step is taken once. */
export function upgrade(sqlite: DatabaseSync): void {
  while (versionOf(sqlite) < schemaVersion) {
    inTransaction(sqlite, () => {
      const version = versionOf(sqlite)
      if (version < schemaVersion) sqlite.exec(`${steps[version]} PRAGMA user_version = ${version + 1}`)
    })
  }
}

/** Throws STATE_UNUSABLE where a newer program has changed the schema, before anything of it is touched. */
export function refuseNewer(sqlite: DatabaseSync): void {
  const version = versionOf(sqlite)
  if (version <= schemaVersion) return
  const found = `catalog.db has schema version ${version}, and this version of xnai-backup knows ${schemaVersion}`
  throw new BackupError('STATE_UNUSABLE', found, {
    hint: 'A newer xnai-backup has used this state directory. Go on with that version, or give this one a state directory of its own.',
  })
}

const versionOf = (sqlite: DatabaseSync): number => Number(sqlite.prepare('PRAGMA user_version').get()?.user_version)
