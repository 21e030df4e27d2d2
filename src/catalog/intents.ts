import type { Intent, Intents, Orphan } from './catalog.ts'
import type { Database, Row } from './database.ts'
import type { Owner } from './owner.ts'

export function makeIntents(database: Database, owner: Owner): Intents {
  const { all, change, atomically } = database
  // The database may be unable to record the end of an intent, because its disk is full. This set knows it all the same.
  const inUse = new Set<number>()
  const isOrphan = (row: Row) =>
    row.owner === owner.id ? !inUse.has(Number(row.id)) : row.owner === null || owner.isDead(row.owner)

  const findOrphans = () =>
    all('SELECT id, owner, detail FROM intents ORDER BY id DESC')
      .filter(isOrphan)
      .map((row): Orphan => {
        const { intent, origin = row.owner } = readDetail(row)
        return { id: Number(row.id), intent, ...(row.owner !== null && { origin: String(origin) }) }
      })

  return {
    addIntent: (intent) => {
      const id = change(
        'INSERT INTO intents (owner, detail) VALUES (?, ?)',
        owner.id,
        JSON.stringify({ ...intent, origin: owner.id }),
      )
      inUse.add(id)
      return id
    },
    changeIntent: (id, intent) =>
      void change(
        'UPDATE intents SET detail = ? WHERE id = ?',
        ...[JSON.stringify({ ...intent, origin: owner.id }), id],
      ),
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
        const orphans = findOrphans().filter(({ intent, id }) => isWanted(intent, id))
        for (const { id } of orphans) change('UPDATE intents SET owner = ? WHERE id = ?', owner.id, id)
        for (const { id } of orphans) inUse.add(id)
        return orphans.map(({ id, intent }) => ({ id, intent }))
      }),
    orphans: findOrphans,
    intents: () => all('SELECT detail FROM intents').map((row) => readDetail(row).intent),
  }
}

/** The detail holds who recorded the intent, because its owner changes when it is claimed. Older programs did not record it. */
function readDetail({ detail }: Row): { intent: Intent; origin?: string } {
  const { origin, ...intent } = JSON.parse(String(detail)) as Intent & { origin?: string }
  return { intent: intent as Intent, ...(origin !== undefined && { origin }) }
}
