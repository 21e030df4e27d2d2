import { BackupError } from '../errors.ts'
import type { SnapshotRef } from '../repository/repository.ts'
import type { Intent, Pins } from './catalog.ts'
import type { Database, Row } from './database.ts'
import type { Owner } from './owner.ts'

/**
 * A row is a claim of one process on one snapshot: a pin, which others may share, or a removal, which excludes pins. It is judged within
 * one transaction, so that of a pin and a removal at the same instant one alone succeeds.
 */
export function makePins(database: Database, owner: Owner, intents: () => Intent[]): Pins {
  const { all, change, atomically } = database
  // The database may be unable to record the end of a claim, because its disk is full. This set knows it all the same.
  const inUse = new Set<number>()
  const isLive = (row: Row) => (row.owner === owner.id ? inUse.has(Number(row.id)) : !owner.isDead(row.owner))

  const claims = (kind: 'pin' | 'removal') => all('SELECT * FROM pins WHERE kind = ?', kind).filter(isLive).map(toRef)
  const needed = () => [...claims('pin'), ...intents().flatMap(snapshotsOf)]
  const removeEnded = () => {
    for (const row of all('SELECT * FROM pins'))
      if (!isLive(row)) change('DELETE FROM pins WHERE id = ?', Number(row.id))
  }
  const add = (kind: 'pin' | 'removal', snapshots: SnapshotRef[]) =>
    snapshots.map(({ tier, id }) =>
      change('INSERT INTO pins (owner, kind, tier, snapshot) VALUES (?, ?, ?, ?)', owner.id, kind, tier, id),
    )
  const hold = (ids: number[]): Disposable => {
    for (const id of ids) inUse.add(id)
    return { [Symbol.dispose]: () => release(ids) }
  }
  const release = (ids: number[]) => {
    for (const id of ids) inUse.delete(id)
    try {
      for (const id of ids) change('DELETE FROM pins WHERE id = ?', id)
    } catch {
      // The next claim removes the rows. A failure here MUST NOT become one of the run that releases them.
    }
  }
  return {
    pin: (snapshots) =>
      hold(
        atomically(() => {
          removeEnded()
          const removed = without(snapshots, without(snapshots, claims('removal')))
          if (removed[0]) throw new BackupError('NO_SUCH_SNAPSHOT', `snapshot ${removed[0].id} is being removed`)
          return add('pin', snapshots)
        }),
      ),
    pinned: needed,
    takeForRemoval(snapshots) {
      const { taken, ids } = atomically(() => {
        removeEnded()
        const taken = without(snapshots, needed())
        return { taken, ids: add('removal', taken) }
      })
      return { taken, ...hold(ids) }
    },
  }
}

/** The snapshots that a recorded restore needs until it is finished. */
const snapshotsOf = (intent: Intent): SnapshotRef[] =>
  intent.kind === 'roll-back' ? [intent.snapshot, ...(intent.safety ? [intent.safety] : [])] : []

const without = (snapshots: SnapshotRef[], others: SnapshotRef[]): SnapshotRef[] =>
  snapshots.filter(({ tier, id }) => !others.some((other) => other.tier === tier && other.id === id))

const toRef = ({ tier, snapshot }: Row): SnapshotRef => ({
  tier: tier as SnapshotRef['tier'],
  id: String(snapshot),
})
