import { describe, expect, test } from 'vitest'
import type { DatabaseFacts } from '../../../../src/methods/postgres/cluster.ts'
import {
  createDatabaseSql,
  judgeGlobals,
  propertiesSql,
  swapScript,
} from '../../../../src/methods/postgres/swap-sql.ts'

const shop: DatabaseFacts = {
  ...{
    name: 'shop',
    owner: 'app',
    encoding: 'UTF8',
    tablespace: 'pg_default',
    bytes: 1,
    connectionLimit: -1,
    comment: null,
  },
  ...{ grants: null, settings: [], row: { datcollate: 'C.UTF-8', datctype: 'C.UTF-8', datlocprovider: 'c' } },
}

describe('a fresh database', () => {
  const create = (row: Partial<DatabaseFacts['row']>, major: number) =>
    createDatabaseSql({ ...shop, row: { ...shop.row, ...row } }, 'fresh', major)

  test.each([
    ['libc', {}, 17, 'LOCALE_PROVIDER libc'],
    [
      'ICU of 15 and 16',
      { datlocprovider: 'i', daticulocale: 'de' },
      16,
      "LOCALE_PROVIDER icu LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' ICU_LOCALE 'de'",
    ],
    [
      'ICU of 17 with rules',
      { datlocprovider: 'i', datlocale: 'de', daticurules: '&a < b' },
      17,
      "ICU_LOCALE 'de' ICU_RULES '&a < b'",
    ],
    ['builtin', { datlocprovider: 'b', datlocale: 'C.UTF-8' }, 17, "BUILTIN_LOCALE 'C.UTF-8'"],
  ])('keeps its locale: %s', (_what, row, major, part) => {
    expect(create(row, major)).toContain(part)
  })

  test('on a server before 15, which knows no provider', () => {
    expect(create({}, 14)).toBe(
      `CREATE DATABASE "fresh" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TABLESPACE "pg_default" OWNER "app";`,
    )
  })
})

describe('properties', () => {
  test('none where all is as it is by default', () => expect(propertiesSql(shop)).toEqual([]))

  test('privileges replace those of a new database', () => {
    const grants = [
      { grantee: null, privilege: 'CONNECT', grantable: false },
      { grantee: 'app', privilege: 'CREATE', grantable: true },
    ]
    expect(propertiesSql({ ...shop, grants })).toEqual([
      'REVOKE ALL ON DATABASE "shop" FROM PUBLIC;',
      'REVOKE ALL ON DATABASE "shop" FROM "app";',
      'GRANT CONNECT ON DATABASE "shop" TO PUBLIC;',
      'GRANT CREATE ON DATABASE "shop" TO "app" WITH GRANT OPTION;',
    ])
  })
})

describe('the swap', () => {
  test('the databases are closed, then renames and properties stand between one BEGIN and one COMMIT, after strictness is back', () => {
    const script = swapScript('CREATE ROLE app;', [
      { facts: { ...shop, comment: 'a' }, fresh: 'f', old: 'o' },
      { facts: { ...shop, name: 'two' }, fresh: 'g' },
    ])
    const order = [
      'ALLOW_CONNECTIONS false',
      'pg_terminate_backend',
      'BEGIN;',
      'CREATE ROLE app;',
      '\\set ON_ERROR_STOP on',
      ':own_password',
      '"shop" RENAME TO "o"',
      '"f" RENAME TO "shop"',
      '"g" RENAME TO "two"',
      'COMMENT ON DATABASE',
      'COMMIT;',
    ]
    const places = order.map((part) => script.indexOf(part))
    expect(places.every((place) => place >= 0)).toBe(true)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  })

  test.each([
    ['psql:<stdin>:9: ERROR:  42710: role "postgres" already exists', false],
    ['psql:<stdin>:30: ERROR:  25001: CREATE TABLESPACE cannot run inside a transaction block', false],
    ['psql:<stdin>:5: invalid command \\restrict', false],
    ['LOCATION:  CreateRole, user.c:369', false],
    ['psql:<stdin>:9: ERROR:  42704: role "gone" does not exist', true],
    ['psql:<stdin>:9: ERROR:  42501: permission denied to create role', true],
    ['psql:<stdin>:9: FATAL:  57P01: terminating connection due to administrator command', true],
    ['psql:<stdin>:9: invalid command \\!', true],
  ])('%s is unexpected: %s', (line, unexpected) => {
    expect(judgeGlobals(`SET\n${line}\n`).length > 0).toBe(unexpected)
  })
})
