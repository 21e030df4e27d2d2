import { type Infer, z } from '../lib/zod.ts'
import type { ContainerFacts, IdRange } from './engine.ts'

/** As libpod writes the user namespace of a container. */
export const idMappings = z
  .object({ UidMap: z.array(z.string()).nullish(), GidMap: z.array(z.string()).nullish() })
  .nullish()

export function readIdMap(mappings: Infer<typeof idMappings>): Pick<ContainerFacts, 'idMap'> {
  if (!mappings) return {}
  return { idMap: { uids: readRanges(mappings.UidMap), gids: readRanges(mappings.GidMap) } }
}

/** Reads ranges of the form `inside:outside:count`. */
function readRanges(entries: string[] | null | undefined): IdRange[] {
  return (entries ?? []).map((entry) => {
    const [inside = 0, outside = 0, count = 0] = entry.split(':').map(Number)
    return { inside, outside, count }
  })
}
