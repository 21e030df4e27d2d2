import { createHash } from 'node:crypto'
import type { ProveOptions, TreeProof } from '../tree-reading.ts'
import { foundEntries } from './entries-file.ts'
import { explainDamage } from './explain.ts'
import { DATA, ENTRIES, HOLDER } from './layout.ts'
import type { StoredArtifact } from './manifest.ts'
import { escapePattern } from './patterns.ts'
import { openPlace } from './place.ts'
import { type Restic, resticMessages } from './program.ts'

/**
 * Compares everything but content by the digest of the entries, and content by restic: a restore that always overwrites hashes what is
 * there, piece by piece, and a dry run of it says how many bytes it would write.
 */
export async function proveTree(
  root: string,
  record: StoredArtifact,
  restic: Restic,
  { signal, skipDevices = [], part }: ProveOptions,
): Promise<TreeProof> {
  const only = part?.only ?? record.only
  const hash = createHash('sha256')
  const scope = { signal, skipDevices, exclude: record.exclude ?? [], ...(only && { only }) }
  for await (const line of foundEntries(root, part?.only, scope)) hash.update(line)
  const actual = hash.digest('hex')
  const expected = part?.digest ?? record.stored.identity ?? 'not the digest of a tree'
  if (actual !== expected) return { expected, actual }
  const bytes = await differentBytes(root, record, restic, { signal, only: part?.only })
  return { expected, actual: bytes === 0 ? actual : otherContent(actual, bytes) }
}

const otherContent = (identity: string, bytes: number): string =>
  createHash('sha256').update(`${identity} with other content in files of ${bytes} bytes`).digest('hex')

/** Sum of the lengths of the files whose content is not the stored one. */
async function differentBytes(
  root: string,
  { stored: { snapshot, fileName } }: StoredArtifact,
  restic: Restic,
  { signal, only }: { signal: AbortSignal; only: string[] | undefined },
): Promise<number> {
  using place = openPlace(root)
  const parts = only?.filter((path) => fileName === undefined && path !== '.')
  const what =
    parts && parts.length > 0
      ? parts.flatMap((path) => ['--include', `/data/${escapePattern(path.replace(/^(\.\/)+|\/+$/g, ''))}`])
      : ['--exclude', `/${ENTRIES}`]
  const args = ['restore', '--dry-run', '--overwrite', 'always', `${snapshot}:${HOLDER}`, '--target', HOLDER, ...what]
  let bytes: number | undefined
  try {
    for await (const message of resticMessages(restic, args, { signal, jail: { tree: place.descriptor, place: DATA } }))
      if (message.message_type === 'summary') bytes = Number(message.bytes_restored ?? 0)
  } catch (error) {
    throw explainDamage(restic.address.url, error)
  }
  return bytes ?? Number.NaN
}
