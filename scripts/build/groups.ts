import { join } from 'node:path'
import type { ChunkingContext } from 'rolldown'

const root = join(import.meta.dirname, '../..')

/** The commands that are called most, and whose start is waited for. */
const quick = ['plan', 'status', 'list'].map((name) => `src/cli/commands/${name}.ts`)
const main = 'src/main.ts'

type NameOf = (id: string, context: ChunkingContext) => string | undefined

/**
 * Puts what a quick command loads into two files, where it would be sixty: each file costs a start half a millisecond. `base` has what child
 * processes load too, whose programs are `children`, so that these load no more than they need. Programs stay files of their own.
 */
export function groupsOf(children: string[]): NameOf {
  let known: { quick: Set<string>; child: Set<string>; programs: Set<string> } | undefined
  return (id, context) => {
    known ??= {
      quick: closureOf([main, ...quick], context),
      child: closureOf(children, context),
      programs: new Set([main, ...children].map((path) => join(root, path))),
    }
    if (!known.quick.has(id) || known.programs.has(id)) return undefined
    return known.child.has(id) ? 'base' : 'quick'
  }
}

/** All that the files import, without what is imported on demand. */
function closureOf(paths: string[], context: ChunkingContext): Set<string> {
  const found = new Set(paths.map((path) => join(root, path)))
  for (const id of found) for (const imported of context.getModuleInfo(id)?.importedIds ?? []) found.add(imported)
  return found
}
