import type { DatabaseFacts } from './cluster.ts'

export const clusterArtifact = 'cluster.json'
export const globalsArtifact = 'globals.sql'

/** By database: `vikunja.dump`; a name that no file should have becomes a number. `sql` for a dump as text. */
export function artifactNames(databases: DatabaseFacts[], ending: 'dump' | 'sql' = 'dump'): Map<string, string> {
  const isPlain = (name: string) => /^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)
  return new Map(databases.map(({ name }, index) => [name, `${isPlain(name) ? name : `database.${index}`}.${ending}`]))
}

/** Loaded by psql, all others by pg_restore. */
export const isText = (artifact: string): boolean => artifact.endsWith('.sql')
