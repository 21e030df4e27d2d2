import type { Lab } from '../../../lab/lab.ts'
import type { Server } from './server.ts'

/**
 * Installs an extension named `timescaledb`, because Debian has no package of it. As the real one does it, it keeps its catalog while
 * `timescaledb_pre_restore` has been called, and else refuses rows that it did not write itself.
 */
export async function installTimescaleStandIn(lab: Lab, { name }: Server): Promise<void> {
  const sql = `CREATE TABLE timescale_catalog (chunk text);
    SELECT pg_catalog.pg_extension_config_dump('timescale_catalog', '');
    CREATE FUNCTION is_restoring() RETURNS boolean LANGUAGE sql AS
      $$ SELECT coalesce(current_setting('timescaledb.restoring', true), 'off') = 'on' $$;
    CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NOT @extschema@.is_restoring() AND current_setting('timescaledb.creating', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'the catalog of timescaledb cannot be changed'; END IF;
      RETURN NEW; END $$;
    CREATE TRIGGER guard BEFORE INSERT ON timescale_catalog FOR EACH ROW EXECUTE FUNCTION guard();
    CREATE FUNCTION timescaledb_pre_restore() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
      EXECUTE format('ALTER DATABASE %I SET timescaledb.restoring = %L', current_database(), 'on'); RETURN true; END $$;
    CREATE FUNCTION timescaledb_post_restore() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
      EXECUTE format('ALTER DATABASE %I RESET timescaledb.restoring', current_database()); RETURN true; END $$;`
  const control = `default_version = '1'\nrelocatable = false\nschema = public\n`
  const write = `cd /usr/share/postgresql/*/extension; printf '%s' "$SQL" >timescaledb--1.sql; printf '%s' "$CONTROL" >timescaledb.control`
  await lab.podman(['exec', '--env', `SQL=${sql}`, '--env', `CONTROL=${control}`, name, 'sh', '-c', write])
}

/** A database with the stand-in, and rows in the catalog that only a restore may write. */
export async function makeSeries({ sql }: Server): Promise<void> {
  await sql('postgres', 'CREATE DATABASE series')
  await sql(
    'series',
    `CREATE EXTENSION timescaledb; CREATE TABLE metric (n int); INSERT INTO metric VALUES (1), (2);
    SET timescaledb.creating = 'on'; INSERT INTO timescale_catalog VALUES ('_hyper_1_1_chunk');`,
  )
}

/**
 * The database that pg_cron runs its jobs from. It has a column and an index over functions that name others without their schema.
 * pg_dump empties the search path, by which they cannot be found. Its data does not fit into the pipe to a program that reads none.
 */
export async function makeJobs({ sql }: Server): Promise<void> {
  await sql('postgres', 'CREATE DATABASE jobs; ALTER DATABASE jobs SET search_path TO public, tools;')
  await sql(
    'jobs',
    `CREATE EXTENSION pg_cron; SELECT cron.schedule('nightly', '0 3 * * *', 'SELECT 1');
    CREATE SCHEMA tools; CREATE FUNCTION tools.plain(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
    CREATE FUNCTION search_form(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN plain($1); END $$;
    CREATE TABLE page (title text, form text GENERATED ALWAYS AS (search_form(title)) STORED);
    CREATE INDEX page_form ON page (search_form(title)); INSERT INTO page VALUES ('Äpfel'), ('BIRNEN');
    CREATE TABLE bulk AS SELECT repeat('x', 1000) AS filler FROM generate_series(1, 5000);
    CREATE SUBSCRIPTION far CONNECTION 'dbname=nowhere' PUBLICATION all_of_it WITH (connect = false);`,
  )
}
