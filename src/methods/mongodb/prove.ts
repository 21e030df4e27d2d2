import type { TargetSpec } from '../../labels/spec.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Check, RestoreContext, StoredSnapshot } from '../method.ts'
import { compare } from '../shared/compare.ts'
import { recordOf, subjectsOf } from '../shared/facts.ts'
import { awaitReady } from './client.ts'
import { collectionsFact, countDocuments, describeCollection, documentsFact, type Present } from './inventory.ts'

/**
 * Compares the collections, their indexes and their documents with the facts of the snapshot. The server may have deleted documents since
 * that were too old for a TTL index: fewer of them are no fault. The parameter ttlMonitorEnabled is not changed for that: an account for
 * backups mostly may not, and a server that was left with it would keep everything for ever.
 */
export async function prove(
  ctx: RestoreContext,
  { options, startTimeoutSeconds }: TargetSpec<'mongodb'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const client = await awaitReady(ctx, options, startTimeoutSeconds)
  return compareContents(snapshot.facts, await countDocuments(client))
}

function compareContents(facts: Facts, present: Present[]): Check[] {
  return subjectsOf(facts, collectionsFact('')).flatMap((database) => {
    const now = present.filter((each) => each.database === database)
    const kinds = now.map(({ name, type, indexes = 0 }) => [name, describeCollection({ type, indexes })])
    const recorded = (fact: string) => recordOf(facts[fact])
    const { counted, expired } = settleExpired(now, recorded(documentsFact(database)))
    return [
      ...compareRecords(`${database}: collections`, recorded(collectionsFact(database)), Object.fromEntries(kinds)),
      ...compareRecords(`${database}: documents`, recorded(documentsFact(database)), counted),
      ...expired.map(({ name, most, documents }) =>
        compare(`${database}: documents of ${name}, which expire`, `at most ${most}`, String(documents), true),
      ),
    ]
  })
}

/** The documents of each collection, as if none of those had been deleted that may have expired since; and where some were. */
function settleExpired(now: Present[], recorded: Record<string, string | number>) {
  const counted: Record<string, number> = {}
  const expired: { name: string; most: number; documents: number }[] = []
  for (const { name, documents, expires } of now) {
    if (documents === undefined) continue
    const most = Number(recorded[name])
    const isFewer = expires === true && documents < most
    counted[name] = isFewer ? most : documents
    if (isFewer) expired.push({ name, most, documents })
  }
  return { counted, expired }
}

/** One line of proof for everything that was recorded, and one more for each entry that differs. */
function compareRecords(
  what: string,
  expected: Record<string, string | number>,
  actual: Record<string, string | number>,
): Check[] {
  const names = Object.keys(expected)
  const differing = names.filter((name) => expected[name] !== actual[name])
  const agreeing = names.length - differing.length
  return [
    compare(what, `${names.length} as recorded`, `${agreeing} as recorded`),
    ...differing.map((name) => compare(`${what} of ${name}`, `${expected[name]}`, `${actual[name] ?? 'missing'}`)),
  ]
}
