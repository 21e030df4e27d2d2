import type { TargetSpec } from '../../labels/spec.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Check, RestoreContext, StoredSnapshot } from '../method.ts'
import { compare } from '../shared/compare.ts'
import { recordOf, subjectsOf } from '../shared/facts.ts'
import { awaitReady } from './client.ts'
import { collectionsFact, countDocuments, describeCollection, documentsFact, type Present } from './inventory.ts'

/** Compares the collections, their indexes and their documents with the facts of the snapshot. */
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
    const counts = now.map(({ name, documents }) => [name, documents])
    const recorded = (fact: string) => recordOf(facts[fact])
    return [
      ...compareRecords(`${database}: collections`, recorded(collectionsFact(database)), Object.fromEntries(kinds)),
      ...compareRecords(`${database}: documents`, recorded(documentsFact(database)), Object.fromEntries(counts)),
    ]
  })
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
