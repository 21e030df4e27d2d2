import type { PostgresClient } from './client.ts'
import { transientName } from './transient.ts'

/** What the dump of a single database does not hold. It is stored as the artifact `cluster.json`. */
export interface Cluster {
  databases: DatabaseFacts[]
  roles: string[]
  tablespaces: { name: string; owner: string; location: string }[]
}

export interface DatabaseFacts {
  name: string
  owner: string
  encoding: string
  tablespace: string
  /** Its size on disk. */
  bytes: number
  connectionLimit: number
  comment: string | null
  /** Null where it has the default privileges. */
  grants: { grantee: string | null; privilege: string; grantable: boolean }[] | null
  /** Set by `ALTER DATABASE … SET`, or by `ALTER ROLE … IN DATABASE … SET` where there is a role. */
  settings: { role: string | null; values: string[] }[]
  /** The row of pg_database, whose columns differ between versions. */
  row: LocaleColumns
}

export interface LocaleColumns {
  datcollate: string
  datctype: string
  /** c, i or b for libc, ICU or builtin. Absent before PostgreSQL 15. */
  datlocprovider?: string
  /** Called `daticulocale` before PostgreSQL 17. */
  datlocale?: string | null
  daticulocale?: string | null
  daticurules?: string | null
}

/** Lists every database that can be dumped: it is no template, takes connections and is valid. */
export async function listDatabases(client: PostgresClient): Promise<DatabaseFacts[]> {
  const databases = await client.json<DatabaseFacts[]>('template1', databasesQuery)
  return databases.filter((database) => transientName(database) === undefined)
}

export interface OtherDatabase {
  name: string
  /** `invalid` is what an interrupted DROP DATABASE leaves; it can only be dropped. `closed` takes no connections. */
  is: 'invalid' | 'template' | 'closed'
}

/** Lists the databases that `listDatabases` does not, without those of the server itself. */
export async function listOtherDatabases(client: PostgresClient): Promise<OtherDatabase[]> {
  const databases = await client.json<OtherDatabase[]>('template1', othersQuery)
  return databases.filter((database) => transientName({ comment: null, ...database }) === undefined)
}

/** Lists the names of all roles, and all tablespaces, without the server's own. */
export function listRoles(client: PostgresClient): Promise<Pick<Cluster, 'roles' | 'tablespaces'>> {
  return client.json('template1', rolesQuery)
}

const databasesQuery = `SELECT coalesce(json_agg(json_build_object(
  'name', d.datname, 'owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding),
  'tablespace', t.spcname, 'connectionLimit', d.datconnlimit,
  'bytes', CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) ELSE 0 END,
  'comment', shobj_description(d.oid, 'pg_database'),
  'grants', CASE WHEN d.datacl IS NOT NULL THEN coalesce((SELECT json_agg(json_build_object(
      'grantee', CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END,
      'privilege', a.privilege_type, 'grantable', a.is_grantable)) FROM aclexplode(d.datacl) a), '[]') END,
  'settings', coalesce((SELECT json_agg(json_build_object(
      'role', CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole) END, 'values', s.setconfig))
    FROM pg_db_role_setting s WHERE s.setdatabase = d.oid), '[]'),
  'row', to_jsonb(d)) ORDER BY d.datname), '[]')
FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace
WHERE NOT d.datistemplate AND d.datallowconn AND d.datconnlimit <> -2;`

const othersQuery = `SELECT coalesce(json_agg(json_build_object('name', datname, 'is',
  CASE WHEN datconnlimit = -2 THEN 'invalid' WHEN datistemplate THEN 'template' ELSE 'closed' END) ORDER BY datname), '[]')
FROM pg_database WHERE datname NOT IN ('template0', 'template1')
  AND (datistemplate OR NOT datallowconn OR datconnlimit = -2);`

const rolesQuery = `SELECT json_build_object(
  'roles', (SELECT json_agg(rolname ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'),
  'tablespaces', coalesce((SELECT json_agg(json_build_object(
      'name', spcname, 'owner', pg_get_userbyid(spcowner), 'location', pg_tablespace_location(oid)))
    FROM pg_tablespace WHERE spcname !~ '^pg_'), '[]'));`
