import { longSeconds } from '../../lib/deadline.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Check } from '../method.ts'
import { compare } from '../shared/compare.ts'
import { recordOf, subjectsOf } from '../shared/facts.ts'
import type { MongodbClient } from './client.ts'
import { type ArchiveContents, type CollectionFacts, isOfServer, oplogNamespace, serverDatabases } from './contents.ts'

/** One collection, view or time series as the server has it now. */
export interface Present {
  database: string
  name: string
  type: string
  /** Of collections alone; absent where it was not asked for. */
  documents?: number
  indexes?: number
}

export function listCollections(client: MongodbClient): Promise<Present[]> {
  return client.ask(eachCollection('say({ database: name, name: info.name, type: info.type });'), 600)
}

export function countDocuments(client: MongodbClient): Promise<Present[]> {
  const count = `const collection = database.getCollection(info.name);
    say({ database: name, name: info.name, type: info.type, ...(info.type === 'collection' &&
      { documents: collection.countDocuments({}), indexes: collection.getIndexes().length }) });`
  return client.ask(eachCollection(count), longSeconds)
}

/** Bytes on the disk of the server, what is free in its files not counted; 0 where this account may not see it. */
export async function measureStorage(client: MongodbClient): Promise<number> {
  const script = `let bytes = 0;
    ${eachDatabase(`try {
      const { storageSize, indexSize, totalFreeStorageSize = 0 } = database.runCommand({ dbStats: 1, freeStorage: 1 });
      bytes += Number(storageSize) + Number(indexSize) - Number(totalFreeStorageSize);
    } catch {}`)}
    say(bytes);`
  const [bytes = 0] = await client.ask<number>(script, 600)
  return bytes
}

const eachCollection = (act: string) =>
  eachDatabase(`for (const info of database.getCollectionInfos()) {
    if (info.name.startsWith('system.')) continue;
    ${act}
  }`)

const eachDatabase = (
  act: string,
) => `for (const { name } of admin.adminCommand({ listDatabases: 1, nameOnly: true }).databases) {
  if (${JSON.stringify(serverDatabases)}.includes(name)) continue;
  const database = client.getDB(name);
  ${act}
}`

/** Drops what is there and not in the snapshot: a snapshot is the state. */
export async function dropOthers(client: MongodbClient, facts: Facts): Promise<string[]> {
  const present = await listCollections(client)
  const others = present.filter(({ database, name }) => recordOf(facts[collectionsFact(database)])[name] === undefined)
  for (let at = 0; at < others.length; at += 100) {
    const names = others.slice(at, at + 100).map(({ database, name }) => [database, name])
    const script = `for (const [database, name] of ${JSON.stringify(names)}) client.getDB(database).getCollection(name).drop();`
    await client.ask(script, 600)
  }
  return others.map(({ database, name }) => `${database}.${name}`)
}

const collectionsFact = (database: string) => `collections of ${database}`
const documentsFact = (database: string) => `documents of ${database}`

/** By database: types and indexes of all collections; documents where nothing was written while they were read. */
export function recordContents(
  found: ArchiveContents,
  fact: (name: string, value: Record<string, string | number>) => void,
): void {
  // The first operation is the last one before the dump: mongodump takes all from that on.
  const isStill = (found.documents.get(oplogNamespace) ?? 0) <= 1
  const ours = found.collections.filter(({ database, name }) => !isOfServer(database) && !name.startsWith('system.'))
  for (const [database, collections] of Map.groupBy(ours, (each) => each.database)) {
    fact(collectionsFact(database), Object.fromEntries(collections.map(({ name, ...each }) => [name, describe(each)])))
    const counted = collections.filter(({ type }) => type === 'collection' && isStill)
    const documents = counted.map(({ name }) => [name, found.documents.get(`${database}.${name}`) ?? 0])
    fact(documentsFact(database), Object.fromEntries(documents))
  }
}

/** With `--oplog` indexes may be made while the dump runs; their number is compared all the same, since such a run is rare. */
const describe = ({ type, indexes }: Pick<CollectionFacts, 'type' | 'indexes'>) =>
  type === 'collection' ? `${Math.max(1, indexes)} indexes` : type

/** What is there now against the facts of the snapshot. */
export function compareContents(facts: Facts, present: Present[]): Check[] {
  return subjectsOf(facts, collectionsFact('')).flatMap((database) => {
    const now = present.filter((each) => each.database === database)
    const kinds = now.map(({ name, type, indexes = 0 }) => [name, describe({ type, indexes })])
    const counts = now.map(({ name, documents }) => [name, documents])
    return [
      ...compareRecords(
        `${database}: collections`,
        recordOf(facts[collectionsFact(database)]),
        Object.fromEntries(kinds),
      ),
      ...compareRecords(`${database}: documents`, recordOf(facts[documentsFact(database)]), Object.fromEntries(counts)),
    ]
  })
}

/** One line for all that agree, one for each that does not. */
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
