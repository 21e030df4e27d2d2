import type { Check, MethodContext, StoredSnapshot } from '../method.ts'
import { compare } from '../shared/compare.ts'
import { recordOf } from '../shared/facts.ts'
import { type IndexedTree, locateIndexes } from './record-indexes.ts'

const factPrefix = 'faiss '

/** Compares the FAISS indexes in restored trees with those that were recorded, one line for each. */
export async function compareIndexes(
  ctx: MethodContext,
  { facts }: Pick<StoredSnapshot, 'facts'>,
  trees: IndexedTree[],
): Promise<Check[]> {
  const recorded = Object.keys(facts).filter((name) => name.startsWith(factPrefix))
  if (recorded.length === 0) return []
  const found = new Map((await locateIndexes(trees, ctx.signal)).map(({ path, header }) => [path, { ...header }]))
  return recorded.map((name) => {
    const path = name.slice(factPrefix.length)
    return compare(`${path} index`, describe(recordOf(facts[name])), describe(found.get(path)))
  })
}

const describe = (header: Record<string, string | number> | undefined): string =>
  header ? `${header.ntotal} vectors of dimension ${header.dimension}` : 'no index'
