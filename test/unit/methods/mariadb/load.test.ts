import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { pluginsOf, refuseMissingPlugins } from '../../../../src/methods/mariadb/account-plugins.ts'
import { countWhileLocked } from '../../../../src/methods/mariadb/count-while-locked.ts'
import { chooseLogin } from '../../../../src/methods/mariadb/login.ts'
import { onlyDatabases } from '../../../../src/methods/mariadb/pick-databases.ts'
import { judgeLoad } from '../../../../src/methods/mariadb/prove-load.ts'

const table = (name: string, options: string) => `CREATE TABLE \`${name}\` (
  \`n\` int(11)
) ENGINE=${options};
LOCK TABLES \`${name}\` WRITE;
INSERT INTO \`${name}\` VALUES
(1);
UNLOCK TABLES;
`

describe('the rows of a table are counted while the load holds it', () => {
  const load = async (body: string) => {
    const count = countWhileLocked()
    const dump = Readable.from([Buffer.from(`-- Current Database: \`sh\`\`op\`\nUSE \`sh\`\`op\`;\n${body}`)])
    return { count, sql: await text(Readable.from(onlyDatabases(dump, ['sh`op'], count.insert))) }
  }

  test('behind its rows, and what another client wrote before the lock is deleted', async () => {
    const { count, sql } = await load(table('t', 'InnoDB DEFAULT CHARSET=utf8mb4'))
    expect(sql).toContain('LOCK TABLES `t` WRITE;\nDELETE FROM `t`;\nINSERT')
    expect(sql).toContain("(1);\nSELECT 'xnai rows', 0, COUNT(*) FROM `t`;\nUNLOCK TABLES;\n")
    expect(count.read('xnai rows\t0\t7\n')).toEqual(new Map([['sh`op', { t: 7 }]]))
  })

  test('with its history where it keeps one, and then nothing is deleted', async () => {
    const { sql } = await load(table('t', 'InnoDB DEFAULT CHARSET=utf8mb4 WITH SYSTEM VERSIONING'))
    expect(sql).toContain('COUNT(*) FROM `t` FOR SYSTEM_TIME ALL;\nUNLOCK')
    expect(sql).not.toContain('DELETE')
  })

  test('but not where its rows lie elsewhere, without a lock, or in the body of a routine', async () => {
    const body = 'DELIMITER ;;\nLOCK TABLES `t` WRITE;\nUNLOCK TABLES;\nDELIMITER ;\n'
    const { sql } = await load(table('far', 'FEDERATED') + body)
    expect(sql).not.toMatch(/DELETE|COUNT/)
  })
})

describe('the plugins that an account needs', () => {
  test.each([
    ['CREATE USER `a`@`%` IDENTIFIED BY PASSWORD "*1"', []],
    ["CREATE USER `a`@`%` IDENTIFIED VIA ed25519 USING 'x OR y WITH z' OR unix_socket", ['ed25519', 'unix_socket']],
    [
      "CREATE USER `WITH b`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '$A\\'WITH q' REQUIRE NONE PASSWORD EXPIRE",
      ['caching_sha2_password'],
    ],
    ["CREATE USER `a`@`%` IDENTIFIED WITH 'm' AS 0x4142 WITH MAX_USER_CONNECTIONS 50", ['m']],
    ['CREATE ROLE `r`', []],
  ])('%s', (create, expected) => {
    expect(pluginsOf(create)).toEqual(expected)
  })

  test('must be active in the server', () => {
    const account = { user: 'a', host: '%', role: false, grants: [] }
    const plugins = [{ name: 'caching_sha2_password', type: 'AUTHENTICATION', library: '' }]
    const refuse = (plugin: string) => () =>
      refuseMissingPlugins([{ ...account, create: `CREATE USER x IDENTIFIED WITH '${plugin}'` }], { plugins })
    expect(refuse('caching_sha2_password')).not.toThrow()
    expect(refuse('mysql_native_password')).toThrow(/lacks the plugin mysql_native_password, by which a@% log in/)
  })
})

describe('a load on trial', () => {
  const judge = (stderr: string, { exitCode = 1, others = false } = {}) => judgeLoad({ exitCode, stderr }, others)

  test('that succeeds says nothing', () => expect(judge('', { exitCode: 0 })).toBeUndefined())

  test('refuses a restore by the words of the server', () => {
    const said = "ERROR 1273 (HY000) at line 9: Unknown collation: 'x'"
    expect(judge(`--------------\nCREATE TABLE\n${said}\n`)).toEqual({ isFinal: true, reason: said })
    expect(judge('ERROR 1146 (42S02) at line 9: no table')).toMatchObject({ isFinal: true })
  })

  test.each([
    ['has no room', '', { exitCode: 81 }],
    ['loses its server', 'ERROR 2013 (HY000) at line 9: Lost connection', {}],
    ['fills the disk', 'ERROR 1030 (HY000): Got error 28 "No space left on device"', {}],
    ['lacks a function that was added', 'ERROR 1305 (42000): FUNCTION f does not exist', {}],
    ['lacks another database', "ERROR 1146 (42S02): Table 'other.t' doesn't exist", { others: true }],
    ['is killed', '', { exitCode: 137 }],
  ])('that %s refuses nothing, and says why it proves nothing', (_name, stderr, more) => {
    expect(judge(stderr, more)).toEqual({ isFinal: false, reason: expect.stringMatching(/\w/) })
  })
})

describe('the login', () => {
  const login = (environment: Record<string, string>, options = {}) =>
    chooseLogin({ user: 'root', ...options }, new Map(Object.entries(environment)))
  const application = { MYSQL_USER: 'wp', MYSQL_PASSWORD: 'x', MYSQL_RANDOM_ROOT_PASSWORD: '1' }

  test('is that of the application where the password of root is random', () => {
    const passwordVariables = ['MARIADB_PASSWORD', 'MYSQL_PASSWORD']
    expect(login(application)).toEqual({ user: 'wp', passwordVariables })
  })

  test('is root where its password is known, and what the labels say', () => {
    const root = { user: 'root', passwordVariables: ['MARIADB_ROOT_PASSWORD', 'MYSQL_ROOT_PASSWORD'] }
    expect(login({ ...application, MYSQL_ROOT_PASSWORD: 'y' })).toEqual(root)
    expect(login({ ...application, MYSQL_ROOT_PASSWORD_FILE: '/run/y' })).toEqual(root)
    expect(login({})).toEqual(root)
    expect(login(application, { passwordEnv: 'P' })).toEqual({ user: 'root', passwordVariables: ['P'] })
  })
})
