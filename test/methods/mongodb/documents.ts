import type { Instance, Source } from './server.ts'

/** What a dump could lose; the stand-ins take only documents with numbers. */
const rich = `client.getDB('crm').getCollection('it\\'s odd ü').insertMany([{ _id: ObjectId('65a000000000000000000001'),
    at: new Date(0), bytes: BinData(0, 'AAEC'), long: NumberLong('9007199254740993'), ratio: 0.1, list: [1, null, {}],
    pattern: /a'b/i, moment: Timestamp({ t: 5, i: 1 }), text: 'ü"\\\\' }]);
  const orders = shop.getCollection('orders');
  orders.createIndex({ n: 1 }, { unique: true, name: 'by number' });
  orders.createIndex({ 'lines.of': 1, n: -1 });`

/** Two collections with 3001 documents, and on a real server documents and indexes of many types. */
export async function fill({ shell }: Instance, { isReal }: Source): Promise<void> {
  if (isReal) await shell(rich)
  const orders = `Array.from({ length: 3000 }, (_, n) => ({ _id: n, n, text: 'order '.repeat(20) }))`
  await shell(`shop.getCollection('orders').insertMany(${orders});
    shop.getCollection('other').insertMany([{ _id: 1 }])`)
}

/** All documents, with their types, and all indexes. */
export const contentOf = ({ shell }: Instance): Promise<unknown[]> =>
  shell<unknown>(`for (const name of ['crm', 'shop']) {
    const database = client.getDB(name);
    for (const of of database.getCollectionInfos().map(({ name }) => name).sort()) {
      const collection = database.getCollection(of);
      say([name, of, collection.getIndexes()]);
      collection.find().forEach((each) => say(EJSON.stringify(each, { relaxed: false })));
    }
  }`)

/** A collection gone, one changed, one more in another database. */
export const damage = ({ shell }: Instance): Promise<unknown> =>
  shell(`shop.getCollection('orders').drop(); client.getDB('crm').getCollection('newer').insertMany([{ _id: 1 }]);
    shop.getCollection('other').insertMany([{ _id: 2 }])`)
