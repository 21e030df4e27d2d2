import { longSeconds } from '../../lib/deadline.ts'
import type { Facts } from '../../repository/repository.ts'
import { recordOf } from '../shared/facts.ts'
import type { MongodbClient } from './client.ts'
import { type ArchiveContents, type CollectionFacts, isOfServer, oplogNamespace, serverDatabases } from './contents.ts'

/** One collection, view or time series that the server holds now. */
export interface Present {
  database: string
  name: string
  type: string
  /** Known for collections only, and only where they were counted. */
  documents?: number
  indexes?: number
  /** Whether the server deletes documents by their age (a TTL index, or a clustered collection that expires). */
  expires?: boolean
}

/** Lists every collection of every database that is not the server's own. */
export function listCollections(client: MongodbClient): Promise<Present[]> {
  return client.ask(eachCollection('say({ database: name, name: info.name, type: info.type });'), 600)
}

/** Lists every collection with the exact number of its documents and indexes. */
export function countDocuments(client: MongodbClient): Promise<Present[]> {
  const count = `const collection = database.getCollection(info.name);
    const isExpiring = ({ expireAfterSeconds }) => expireAfterSeconds !== undefined;
    const indexes = info.type === 'collection' ? collection.getIndexes() : [];
    say({ database: name, name: info.name, type: info.type, ...(info.type === 'collection' && {
      documents: collection.countDocuments({}),
      indexes: indexes.length,
      expires: [info.options ?? {}, ...indexes].some(isExpiring) }) });`
  return client.ask(eachCollection(count), longSeconds)
}

/** The bytes of all data on the disk of the server, without what is free in its files. 0 where this account may not see it. */
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

/** Drops every collection that the snapshot does not hold, and answers their names. */
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

/** The names of the facts about the collections of one database: their types and indexes, and their documents. */
export const collectionsFact = (database: string) => `collections of ${database}`
export const documentsFact = (database: string) => `documents of ${database}`

/** Records the types and indexes of all collections by database, and their documents where nothing was written during the dump. */
export function recordContents(
  found: ArchiveContents,
  fact: (name: string, value: Record<string, string | number>) => void,
): void {
  // The first operation in the archive is the last one before the dump, because mongodump takes all from that one on.
  const isStill = (found.documents.get(oplogNamespace) ?? 0) <= 1
  const ours = found.collections.filter(({ database, name }) => !isOfServer(database) && !name.startsWith('system.'))
  for (const [database, collections] of Map.groupBy(ours, (each) => each.database)) {
    fact(
      collectionsFact(database),
      Object.fromEntries(collections.map(({ name, ...each }) => [name, describeCollection(each)])),
    )
    const counted = collections.filter(({ type }) => type === 'collection' && isStill)
    const documents = counted.map(({ name }) => [name, found.documents.get(`${database}.${name}`) ?? 0])
    fact(documentsFact(database), Object.fromEntries(documents))
  }
}

/** The text that is recorded of a collection. An index that is made during the dump makes the comparison fail, which is rare. */
export const describeCollection = ({ type, indexes }: Pick<CollectionFacts, 'type' | 'indexes'>) =>
  type === 'collection' ? `${Math.max(1, indexes)} indexes` : type
