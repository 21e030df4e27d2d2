import type { Alias } from './api.ts'
import type { CollectionRestore } from './replace-collections.ts'

/**
 * Notes the aliases that the restore replaces and that lead to collections which it leaves alone: a safety snapshot of the collections that
 * a label names does not hold them. It MUST be called before the first alias is changed.
 */
export async function noteForeignAliases({ ctx, client: { api }, saved }: CollectionRestore): Promise<void> {
  const own = new Set(saved.collections.map(({ name }) => name))
  const replaced = new Set([...own, ...saved.aliases.map(({ alias_name }) => alias_name)])
  const foreign = (await api.aliases()).filter(
    ({ alias_name, collection_name }) => replaced.has(alias_name) && !own.has(collection_name),
  )
  ctx.noteForRollBack({ aliases: JSON.stringify(foreign) })
}

/** In a roll back: the aliases that the restore has replaced and the safety snapshot does not hold, as far as they still lead somewhere. */
export async function foreignAliases({ ctx, client: { api }, saved }: CollectionRestore): Promise<Alias[]> {
  const noted: Alias[] = JSON.parse(ctx.rollsBack?.aliases ?? '[]')
  const present = noted.length === 0 ? [] : await api.collections()
  const taken = new Set([...present, ...saved.aliases.map(({ alias_name }) => alias_name)])
  return noted.filter(({ alias_name, collection_name }) => present.includes(collection_name) && !taken.has(alias_name))
}
