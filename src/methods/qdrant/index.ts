import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { asBackupError, BackupError } from '../../errors.ts'
import { nearest } from '../../labels/nearest.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { FactValue } from '../../repository/repository.ts'
import type { Check, Method } from '../method.ts'
import type { Alias, Api } from './api.ts'
import { canonical } from './canonical.ts'
import { compareCollection, compareNames, rangeText } from './compare.ts'
import {
  artifactName,
  type Inventory,
  inventoryArtifact,
  readInventory,
  type SavedCollection,
  selectWanted,
} from './inventory.ts'
import { preflightRestore } from './preflight.ts'
import { isTemporary, type Restore, rehearse, replace, replaceNames } from './replace.ts'
import { endOrphans, reviveServer } from './revive.ts'
import { awaitGreen, openServer, refuseStopped } from './server.ts'
import { makeSnapshot } from './snapshot.ts'
import { undoNote } from './undo.ts'

/**
 * Qdrant by its own snapshots, one a collection, with the aliases that those leave out. A hot snapshot is no instant: each shard has
 * its own.
 */
export const qdrant: Method<'qdrant'> = {
  kind: 'qdrant',
  needsRunning: true,
  paths: () => [],

  async *capture(ctx, spec) {
    refuseStopped(ctx)
    await using server = await openServer(ctx, spec, { failure: 'DUMP_FAILED' })
    const { api } = server
    const { names, aliases } = await chooseCollections(api, spec)
    const collections: SavedCollection[] = []
    for (const [index, name] of names.entries()) {
      const artifact = artifactName(index, name)
      const before = await lookAt(api, name)
      await using made = await makeSnapshot(ctx, api, name)
      collections.push(saveCollection(name, artifact, before, await lookAt(api, name)))
      yield { kind: 'stream', name: artifact, open: made.open }
    }
    const complete = spec.options.collections === undefined
    const inventory: Inventory = { format: 1, server: server.version, complete, collections, aliases }
    const text = `${JSON.stringify(inventory, null, 2)}\n`
    yield { kind: 'stream', name: inventoryArtifact, open: async () => Readable.from([Buffer.from(text)]) }
    for (const [name, value] of Object.entries(factsOf(inventory))) ctx.fact(name, value)
  },

  async preflight(ctx, spec, snapshot) {
    const wanted = selectWanted(await readInventory(snapshot), spec)
    if (ctx.container.state !== 'running') return
    try {
      await using server = await openServer(ctx, spec, { failure: 'RESTORE_FAILED' })
      await preflightRestore(server, wanted)
    } catch (error) {
      // One that starts over and over is looked at by the restore, which refuses as well.
      if (asBackupError(error).code !== 'SERVICE_DOWN') throw error
    }
  },

  async restore(ctx, spec, snapshot) {
    const saved = selectWanted(await readInventory(snapshot), spec)
    const revived = await reviveServer(ctx, spec, saved)
    await endOrphans(ctx, spec, saved)
    await using server = await openServer(ctx, spec, { failure: 'RESTORE_FAILED' })
    const restore: Restore = { ctx, server, saved, snapshot }
    for (const collection of saved.collections) await rehearse(restore, collection)
    for (const collection of saved.collections) await replace(restore, collection)
    await replaceNames(restore)
    await revived.settle()
    return []
  },

  async undo(ctx, spec, detail) {
    refuseStopped(ctx)
    await using server = await openServer(ctx, spec, { failure: 'RESTORE_FAILED', justStarted: true })
    await undoNote(ctx, server.api, detail)
  },

  async prove(ctx, spec, snapshot) {
    const saved = selectWanted(await readInventory(snapshot), spec)
    const patience = { justStarted: true, state: ctx.service.state }
    await using server = await openServer(ctx, spec, { failure: 'RESTORE_FAILED', ...patience })
    const { api, version } = server
    const versions = { saved: saved.server, server: version }
    const checks: Check[] = compareNames(saved, await listCollections(api), await api.aliases())
    for (const collection of saved.collections) {
      await awaitGreen(ctx, api, collection.name, spec.startTimeoutSeconds)
      checks.push(...(await compareCollection(api, collection.name, collection, versions)))
    }
    return checks
  },
}

const listCollections = async (api: Api) => (await api.collections()).filter((name) => !isTemporary(name))

/** All, or those that the label names; with the aliases that lead to them. */
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

/** What can be compared later, at one side of the making of a snapshot. */
async function lookAt(api: Api, name: string) {
  const info = await api.info(name)
  const remote = await api.remoteShards(name)
  if (remote > 0) {
    const hint = 'A snapshot holds the shards of one node alone. Back the cluster up by Qdrant’s own means.'
    throw new BackupError('DUMP_FAILED', `${remote} shards of ${name} lie on other nodes`, { hint })
  }
  return { info, count: await api.count(name), sample: await api.sample(name) }
}

type Look = Awaited<ReturnType<typeof lookAt>>

function saveCollection(name: string, artifact: string, before: Look, after: Look): SavedCollection {
  return {
    name,
    artifact,
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
