import { rolePassword, type Server } from './server.ts'

/**
 * Two databases, one with an odd name, with roles, settings, privileges, a large object and what else a dump can lose.
 */
export async function makeShop({ sql }: Server): Promise<void> {
  await sql(
    'postgres',
    `CREATE ROLE app LOGIN PASSWORD '${rolePassword}' CONNECTION LIMIT 7; CREATE ROLE reader; GRANT reader TO app;
    CREATE TABLE in_postgres (a int); INSERT INTO in_postgres VALUES (7);`,
  )
  await sql('postgres', 'CREATE DATABASE shop OWNER app;')
  await sql('postgres', `CREATE DATABASE "Odd ""name"" = x" LOCALE 'C' TEMPLATE template0;`)
  await sql(
    'shop',
    `CREATE EXTENSION pgcrypto; CREATE SCHEMA "My ""s";
    CREATE TABLE items (id serial PRIMARY KEY, note text, body jsonb, at timestamptz DEFAULT '2026-01-01');
    INSERT INTO items (note, body) SELECT 'note ' || n, jsonb_build_object('n', n, 'text', repeat('ü', n % 50))
      FROM generate_series(1, 1000) n;
    CREATE TABLE "My ""s"."it's" (b bytea); INSERT INTO "My ""s"."it's" VALUES ('\\x00ff5c27');
    CREATE TABLE parts (id int, day date) PARTITION BY RANGE (day);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    INSERT INTO parts SELECT n, '2026-01-15' FROM generate_series(1, 50) n; ALTER TABLE items OWNER TO app;
    GRANT SELECT ON items TO reader WITH GRANT OPTION; CREATE VIEW recent AS SELECT * FROM items WHERE id > 990;
    SELECT lo_from_bytea(4711, 'large object'); GRANT SELECT ON LARGE OBJECT 4711 TO reader;
    SELECT lo_from_bytea(4712, decode(repeat('00ff10', 100000), 'hex'));
    ALTER DATABASE shop SET search_path TO "$user", public, "My ""s"; ALTER DATABASE shop CONNECTION LIMIT 50;
    ALTER ROLE app IN DATABASE shop SET work_mem TO '8MB'; COMMENT ON DATABASE shop IS 'it''s a \\ shop';
    REVOKE ALL ON DATABASE shop FROM PUBLIC; GRANT CONNECT ON DATABASE shop TO reader WITH GRANT OPTION;`,
  )
}

/** Everything of it that a restore must bring back, as text. */
export const contentOfShop = async ({ sql }: Server): Promise<string[]> => [
  await sql(
    'shop',
    `SELECT md5(string_agg(i::text, ',' ORDER BY id)) FROM items i; SELECT * FROM "My ""s"."it's";
    SELECT count(*) FROM parts; SELECT count(*) FROM recent; SELECT extname FROM pg_extension ORDER BY 1;
    SELECT oid, lomacl, md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY 1;
    SELECT convert_from(lo_get(4711), 'utf8'); SELECT nextval('items_id_seq') > 1000;
    SELECT relname, pg_get_userbyid(relowner), relacl FROM pg_class
      WHERE relnamespace = 'public'::regnamespace ORDER BY 1;`,
  ),
  await sql(
    'postgres',
    `SELECT * FROM in_postgres;
    SELECT datname, pg_get_userbyid(datdba), datacl, datconnlimit, datcollate, shobj_description(oid, 'pg_database')
      FROM pg_database ORDER BY 1;
    SELECT d.datname, s.setrole::regrole, s.setconfig
      FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase ORDER BY s.setconfig::text;
    SELECT rolname, rolcanlogin, rolconnlimit, rolpassword FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY 1;
    SELECT roleid::regrole, member::regrole FROM pg_auth_members WHERE member = 'app'::regrole;`,
  ),
]

/** Data, settings, owners and roles changed, and a database gone. */
export async function damageShop({ sql }: Server): Promise<void> {
  await sql(
    'shop',
    `DELETE FROM items; CREATE TABLE newer (a int); DROP SCHEMA "My ""s" CASCADE; SELECT lo_unlink(4711);
    DROP EXTENSION pgcrypto;`,
  )
  await sql(
    'postgres',
    `UPDATE in_postgres SET a = 8; ALTER DATABASE shop RESET ALL; ALTER DATABASE shop SET work_mem TO '1MB';
    ALTER DATABASE shop OWNER TO postgres; ALTER ROLE app NOLOGIN PASSWORD NULL CONNECTION LIMIT 1;
    REVOKE reader FROM app;`,
  )
  await sql('postgres', `DROP DATABASE "Odd ""name"" = x"`)
}
