import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import { nearest } from '../../labels/nearest.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Artifact, FactValue } from '../../repository/repository.ts'
import type { CaptureContext } from '../method.ts'
import type { Alias, Api, CollectionInfo } from './api.ts'
import { canonical } from './canonical.ts'
import { connect, refuseStopped } from './client.ts'
import { rangeText } from './compare.ts'
import { artifactName, type Inventory, inventoryArtifact, type SavedCollection } from './inventory.ts'
import { makeSnapshot } from './snapshot.ts'
import { listCollections } from './upload.ts'
import { refuseMaker } from './version.ts'

/** Yields one snapshot for each collection, and then the inventory that describes them. */
export async function* capture(ctx: CaptureContext, spec: TargetSpec<'qdrant'>): AsyncIterable<Artifact> {
  refuseStopped(ctx)
  await using client = await connect(ctx, spec, 'DUMP_FAILED')
  const { api, version } = client
  const refusal = refuseMaker(version)
  if (refusal) throw new BackupError('DUMP_FAILED', refusal.reason, { hint: refusal.hint })
  const { names, aliases } = await chooseCollections(api, spec)
  const collections: SavedCollection[] = []
  for (const [index, name] of names.entries()) {
    const artifact = artifactName(index, name)
    const before = await measure(api, name)
    await using made = await makeSnapshot(ctx, api, name)
    collections.push(describeCollection({ name, artifact }, before, await measure(api, name)))
    yield { kind: 'stream', name: artifact, open: made.open }
  }
  const complete = spec.options.collections === undefined
  const inventory: Inventory = { format: 1, server: version, complete, collections, aliases }
  const text = `${JSON.stringify(inventory, null, 2)}\n`
  yield { kind: 'stream', name: inventoryArtifact, open: async () => Readable.from([Buffer.from(text)]) }
  for (const [name, value] of Object.entries(factsOf(inventory))) ctx.fact(name, value)
}

/** Chooses all collections, or those that the label names, and the aliases that lead to them. */
async function chooseCollections(
  api: Api,
  { options }: TargetSpec<'qdrant'>,
): Promise<{ names: string[]; aliases: Alias[] }> {
  const all = await listCollections(api)
  const aliases = await api.aliases()
  const names = options.collections ?? all
  for (const name of names) if (!all.includes(name)) throw missing(name, all, aliases)
  return { names, aliases: aliases.filter(({ collection_name }) => names.includes(collection_name)) }
}

function missing(name: string, all: string[], aliases: Alias[]): BackupError {
  const real = aliases.find(({ alias_name }) => alias_name === name)?.collection_name
  const message = real
    ? `${name}, named by qdrant.collections, is an alias of ${real}: it may lead elsewhere tomorrow`
    : `there is no collection ${name}, which qdrant.collections names`
  const meant = real ?? nearest(name, all)
  const hint = meant ? `Did you mean ${meant}?` : `There are: ${all.join(', ') || 'none'}.`
  return new BackupError('DUMP_FAILED', message, { hint })
}

/** What a restored collection can be compared with, taken before and after its snapshot is made. */
interface Measurement {
  info: CollectionInfo
  /** The exact number of points. */
  count: number
  /** The digest of the first points. */
  sample: string
}

/** DUMP_FAILED where other nodes hold shards of the collection, since a snapshot does not have them. */
async function measure(api: Api, name: string): Promise<Measurement> {
  const info = await api.info(name)
  const remote = await api.remoteShards(name)
  if (remote > 0) {
    const hint = 'A snapshot holds the shards of one node alone. Back the cluster up by Qdrant’s own means.'
    throw new BackupError('DUMP_FAILED', `${remote} shards of ${name} lie on other nodes`, { hint })
  }
  return { info, count: await api.count(name), sample: await api.sample(name) }
}

function describeCollection(
  names: { name: string; artifact: string },
  before: Measurement,
  after: Measurement,
): SavedCollection {
  return {
    ...names,
    points: { least: Math.min(before.count, after.count), most: Math.max(before.count, after.count) },
    status: before.info.status,
    config: before.info.config,
    schema: before.info.payload_schema,
    sample: before.sample === after.sample ? before.sample : null,
  }
}

function factsOf({ server, collections, aliases }: Inventory): Record<string, FactValue> {
  const facts = collections.map(({ name, points, config }) => {
    const shards = (config.params as { shard_number?: number } | undefined)?.shard_number ?? 1
    const digest = createHash('sha256').update(canonical(config)).digest('hex').slice(0, 16)
    return [`collection ${name}`, { points: rangeText(points), shards, config: digest }]
  })
  return { server, collections: collections.length, aliases: aliases.length, ...Object.fromEntries(facts) }
}
