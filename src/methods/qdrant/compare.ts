import type { Check } from '../method.ts'
import { compare } from '../shared/compare.ts'
import type { Alias, Api, CollectionInfo, PayloadIndex } from './api.ts'
import { canonical, contains } from './canonical.ts'
import type { Inventory, SavedCollection } from './inventory.ts'
import { sameMinor } from './version.ts'

/**
 * Compares the collection `name` with the saved one: status, number of points, settings, indexes and the first points.
 */
export async function compareCollection(
  api: Api,
  name: string,
  saved: SavedCollection,
  versions: { saved: string; server: string },
): Promise<Check[]> {
  const info = await api.info(name)
  const count = await api.count(name)
  const { least, most } = saved.points
  const checks = [
    compareStatus(saved, info),
    compare(`points of ${saved.name}`, rangeText(saved.points), String(count), count >= least && count <= most),
    compareConfig(saved, info, sameMinor(versions.saved, versions.server)),
    compareIndexes(saved, info),
  ]
  if (saved.sample === null) return checks
  const sample = await api.sample(name)
  return [
    ...checks,
    compare(`first points of ${saved.name}`, brief(saved.sample), brief(sample), sample === saved.sample),
  ]
}

/**
 * Compares the settings. Without `exact` the server may have further ones, since a newer minor version knows more of
 * them.
 */
export function compareConfig(saved: SavedCollection, info: CollectionInfo, exact: boolean): Check {
  const same = exact ? canonical(info.config) === canonical(saved.config) : contains(info.config, saved.config)
  const [expected, actual] = [saved.config, info.config].map(differing(saved.config, info.config))
  return compare(`config of ${saved.name}`, same ? 'as saved' : `${expected}`, same ? 'as saved' : `${actual}`, same)
}

function compareIndexes(saved: SavedCollection, info: CollectionInfo): Check {
  const [expected, actual] = [saved.schema, info.payload_schema].map(indexText)
  return compare(`payload indexes of ${saved.name}`, `${expected}`, `${actual}`, expected === actual)
}

/** The saved indexes that the collection lacks or has differently, with the names of their fields. */
export function missingIndexes(saved: SavedCollection, info: CollectionInfo): [field: string, index: PayloadIndex][] {
  return Object.entries(saved.schema).filter(([field, index]) => {
    const now = info.payload_schema[field]
    return !now || indexText({ field: now }) !== indexText({ field: index })
  })
}

/**
 * Red is an error, unless the collection was red at the backup. Yellow and grey collections are complete and still
 * being optimized.
 */
function compareStatus(saved: SavedCollection, { status }: CollectionInfo): Check {
  const expected = saved.status === 'red' ? 'red, as at the backup' : 'green, or still optimizing'
  return compare(`status of ${saved.name}`, expected, status, status !== 'red' || saved.status === 'red')
}

/**
 * Compares the aliases that lead to a saved collection. After a snapshot of all it compares all aliases, and the names
 * of all collections.
 */
export function compareNames(saved: Inventory, names: string[], aliases: Alias[]): Check[] {
  const own = new Set(saved.collections.map(({ name }) => name))
  const relevant = saved.complete ? aliases : aliases.filter(({ collection_name }) => own.has(collection_name))
  const expected = aliasText(saved.aliases)
  const actual = aliasText(relevant)
  const checks = [compare('aliases', expected, actual, expected === actual)]
  if (!saved.complete) return checks
  const [wanted, now] = [[...own], names].map((list) => list.toSorted().join(', ') || 'none')
  return [compare('collections', `${wanted}`, `${now}`, wanted === now), ...checks]
}

/** `1200`, or `1200 to 1210` for a collection that was written to while it was captured. */
export const rangeText = ({ least, most }: SavedCollection['points']): string =>
  least === most ? String(least) : `${least} to ${most}`

const brief = (digest: string) => digest.slice(0, 16)

const aliasText = (aliases: Alias[]): string =>
  aliases
    .map(({ alias_name, collection_name }) => `${alias_name} → ${collection_name}`)
    .toSorted()
    .join(', ') || 'none'

const indexText = (schema: Record<string, PayloadIndex>): string =>
  Object.entries(schema)
    .map(([field, { data_type, params }]) => `${field} ${canonical(params) ?? data_type}`)
    .toSorted()
    .join(', ') || 'none'

/** The parts of a configuration that differ between the two. */
const differing =
  (...both: Record<string, unknown>[]) =>
  (config: Record<string, unknown>): string => {
    const [a = {}, b = {}] = both
    const parts = Object.entries(config).filter(([key]) => canonical(a[key]) !== canonical(b[key]))
    return canonical(Object.fromEntries(parts))
  }
