import type { Intent, Intents } from './catalog.ts'
import type { Database, Row } from './database.ts'
import type { Owner } from './owner.ts'

export function makeIntents(database: Database, owner: Owner): Intents {
  const { all, change, atomically } = database
  // The database may be unable to record the end of an intent, because its disk is full. This set knows it all the same.
  const inUse = new Set<number>()
  const isOrphan = (row: Row) =>
    row.owner === owner.id ? !inUse.has(Number(row.id)) : row.owner === null || owner.isDead(row.owner)

  return {
    addIntent: (intent) => {
      const id = change('INSERT INTO intents (owner, detail) VALUES (?, ?)', owner.id, JSON.stringify(intent))
      inUse.add(id)
      return id
    },
    dropIntent: (id) => {
      inUse.delete(id)
      change('DELETE FROM intents WHERE id = ?', id)
    },
    abandonIntent: (id) => {
      inUse.delete(id)
      change('UPDATE intents SET owner = NULL WHERE id = ?', id)
    },
    claimOrphans: (isWanted = () => true) =>
      atomically(() => {
        const orphans = all('SELECT id, owner, detail FROM intents ORDER BY id DESC')
          .filter(isOrphan)
          .map((row) => ({ id: Number(row.id), intent: readIntent(row) }))
          .filter(({ intent }) => isWanted(intent))
        for (const { id } of orphans) change('UPDATE intents SET owner = ? WHERE id = ?', owner.id, id)
        for (const { id } of orphans) inUse.add(id)
        return orphans
      }),
    intents: () => all('SELECT detail FROM intents').map(readIntent),
  }
}

const readIntent = ({ detail }: Row): Intent => JSON.parse(String(detail)) as Intent
