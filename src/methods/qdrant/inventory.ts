import { text } from 'node:stream/consumers'
import { asBackupError, BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import { type Infer, z } from '../../lib/zod.ts'
import type { StoredSnapshot } from '../method.ts'

/** The name of the artifact that describes the others. */
export const inventoryArtifact = 'collections.json'

const collection = z.object({
  name: z.string(),
  /** The name of the artifact that holds its snapshot. */
  artifact: z.string(),
  /**
   * The exact number of points before and after the snapshot was made. They differ where the collection was written to
   * meanwhile.
   */
  points: z.object({ least: z.number(), most: z.number() }),
  status: z.string(),
  config: z.record(z.string(), z.unknown()),
  /** The payload indexes by the names of their fields. */
  schema: z.record(z.string(), z.object({ data_type: z.string(), params: z.unknown().optional() })),
  /** The digest of the first points; null where they changed while the snapshot was made. */
  sample: z.string().nullable(),
})

const inventory = z.object({
  format: z.literal(1),
  /** The version of the server. */
  server: z.string(),
  /** Whether all collections of the server were captured, and not only some that a label named. */
  complete: z.boolean(),
  collections: z.array(collection),
  aliases: z.array(z.object({ alias_name: z.string(), collection_name: z.string() })),
})

export type SavedCollection = Infer<typeof collection>
export type Inventory = Infer<typeof inventory>

/** SNAPSHOT_DAMAGED where the inventory cannot be read. */
export async function readInventory(snapshot: StoredSnapshot): Promise<Inventory> {
  try {
    return inventory.parse(JSON.parse(await text(await snapshot.open(inventoryArtifact))))
  } catch (cause) {
    // An interruption does not mean that the stored file is damaged.
    if (cause instanceof BackupError || asBackupError(cause).code === 'INTERRUPTED') throw cause
    throw new BackupError('SNAPSHOT_DAMAGED', `${inventoryArtifact} of snapshot ${snapshot.id} is unreadable`, {
      cause,
    })
  }
}

/**
 * The collections and aliases that a restore replaces. Of a snapshot of all they are those that the label names today,
 * since the safety snapshot holds only these. RESTORE_REFUSED where the snapshot holds none of them.
 */
export function selectWanted(saved: Inventory, { options }: TargetSpec<'qdrant'>): Inventory {
  const named = options.collections
  if (!named) return saved
  const isNamed = (name: string) => named.includes(name)
  const collections = saved.collections.filter(({ name }) => isNamed(name))
  const aliases = saved.aliases.filter(({ collection_name }) => isNamed(collection_name))
  if (collections.length > 0) return { ...saved, complete: false, collections, aliases }
  const message = `the snapshot holds none of the collections ${named.join(', ')} that qdrant.collections names`
  throw new BackupError('RESTORE_REFUSED', message, {
    hint: `Nothing was touched. It holds: ${saved.collections.map(({ name }) => name).join(', ') || 'none'}.`,
  })
}

/** The name of an artifact: a number, and those characters of the collection's name that artifacts may have. */
export function artifactName(index: number, name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .slice(0, 60)
  return `${index + 1}-${plain}.snapshot`
}
