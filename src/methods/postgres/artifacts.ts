import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { MethodOptions } from '../../labels/spec.ts'
import type { Artifact } from '../../repository/repository.ts'
import type { StoredSnapshot } from '../method.ts'
import type { Cluster, DatabaseFacts } from './cluster.ts'

export const clusterArtifact = 'cluster.json'
export const globalsArtifact = 'globals.sql'

/** The label that limits a target to some of the databases. */
export const databasesLabel = 'xnai.backup.postgres.databases'

/** The artifact of each database by its name: `vikunja.dump`. A name that no file should have is replaced by a number. */
export function artifactNames(databases: DatabaseFacts[], ending: 'dump' | 'sql' = 'dump'): Map<string, string> {
  const isPlain = (name: string) => /^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)
  return new Map(databases.map(({ name }, index) => [name, `${isPlain(name) ? name : `database.${index}`}.${ending}`]))
}

/** Whether psql loads the artifact. All others are loaded by pg_restore. */
export const isText = (artifact: string): boolean => artifact.endsWith('.sql')

/** Makes an artifact of a text. */
export const textArtifact = (name: string, content: string): Artifact => ({
  kind: 'stream',
  name,
  open: async () => Readable.from([Buffer.from(content)]),
})

/** A database of a snapshot, and the artifact that holds its content. */
export interface StoredDatabase {
  facts: DatabaseFacts
  artifact: string
}

export interface StoredCluster {
  cluster: Cluster
  /** Every database of the snapshot. */
  all: StoredDatabase[]
  /** Those that the label still names. */
  chosen: StoredDatabase[]
}

/** Reads what a snapshot holds. */
export async function readCluster(
  { databases }: MethodOptions['postgres'],
  snapshot: StoredSnapshot,
): Promise<StoredCluster> {
  const cluster: Cluster & { artifacts: Record<string, string> } = JSON.parse(
    await text(await snapshot.open(clusterArtifact)),
  )
  const all = cluster.databases.map((facts) => ({ facts, artifact: cluster.artifacts[facts.name] ?? '' }))
  const chosen = databases ? all.filter(({ facts }) => databases.includes(facts.name)) : all
  return { cluster, all, chosen }
}
