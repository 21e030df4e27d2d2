import type { ArtifactRecord, ListedEntry } from '../repository/repository.ts'

/** One artifact of a snapshot, as `ls --json` and `diff --json` print it. */
export interface DescribedArtifact {
  kind: 'stream' | 'tree'
  name: string
  /** The path in the container of a tree. */
  origin?: string
  bytes: number
  /** Only a dump has one. */
  sha256?: string
  /** Only a tree has them: their number, the root's own included. */
  entries?: number
}

export const describeArtifact = ({
  kind,
  name,
  origin,
  bytes,
  sha256,
  entries,
}: ArtifactRecord): DescribedArtifact => ({
  kind,
  name,
  ...(origin !== undefined && { origin }),
  bytes,
  ...(sha256 !== undefined && { sha256 }),
  ...(entries !== undefined && { entries }),
})

/** One entry of a tree, as JSON. The mode is octal, as in `chmod`: `0644`. */
export function describeEntry({ mtimeNs, mode, ...entry }: ListedEntry) {
  return { ...entry, mode: octal(mode), modified: timeOf(mtimeNs) }
}

export const octal = (mode: number): string => mode.toString(8).padStart(4, '0')

/** The farthest times that a Date can hold, in milliseconds. */
const farthestMs = 8_640_000_000_000_000n

/** ISO 8601 UTC, to the millisecond. A time that no calendar has becomes the nearest that one has. */
export function timeOf(ns: bigint): string {
  const ms = ns / 1_000_000n
  const held = ms > farthestMs ? farthestMs : ms < -farthestMs ? -farthestMs : ms
  return new Date(Number(held)).toISOString()
}
