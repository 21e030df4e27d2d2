import type { Intent, Intents } from './catalog.ts'
import type { Database } from './database.ts'
import type { Owner } from './owner.ts'

export function makeIntents(database: Database, owner: Owner): Intents {
  const { all, change, atomically } = database
  return {
    addIntent: (intent) =>
      change('INSERT INTO intents (owner, detail) VALUES (?, ?)', owner.id, JSON.stringify(intent)),
    dropIntent: (id) => void change('DELETE FROM intents WHERE id = ?', id),
    abandonIntent: (id) => void change('UPDATE intents SET owner = NULL WHERE id = ?', id),
    claimOrphans: () =>
      atomically(() => {
        const orphans = all('SELECT id, owner, detail FROM intents ORDER BY id DESC').filter(
          (row) => row.owner === null || owner.isDead(row.owner),
        )
        for (const row of orphans) change('UPDATE intents SET owner = ? WHERE id = ?', owner.id, Number(row.id))
        return orphans.map((row) => ({ id: Number(row.id), intent: JSON.parse(String(row.detail)) as Intent }))
      }),
  }
}
