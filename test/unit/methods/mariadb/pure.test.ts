import { describe, expect, test } from 'vitest'
import { type Account, parseAccounts, replaceable, writeAccounts } from '../../../../src/methods/mariadb/accounts.ts'
import { errorLines, judgeConnection } from '../../../../src/methods/mariadb/failure.ts'
import { quoteName, quoteText, readRows } from '../../../../src/methods/mariadb/sql-text.ts'

test('names and texts are quoted, rows are read back', () => {
  expect(quoteName('a`b')).toBe('`a``b`')
  expect(quoteText(`it's \\ a\nb`)).toBe(`'it\\'s \\\\ a\\nb'`)
  expect(readRows('a\tb\\tc\nd\\\\n\t\\n\n')).toEqual([
    ['a', 'b\tc'],
    ['d\\n', '\n'],
  ])
})

describe('what a program said', () => {
  test('shows neither the statement nor what stands near the error', () => {
    const said = [
      '--------------',
      "CREATE USER a IDENTIFIED BY PASSWORD '*SECRET'",
      '--------------',
      '',
      "ERROR 1064 (42000) at line 3: You have an error in your SQL syntax near '*SECRET' at line 1",
      "mysqldump: [Warning] unknown option '--loose-sandbox'",
    ].join('\n')
    expect(errorLines(said)).toBe('ERROR 1064 (42000) at line 3: You have an error in your SQL syntax')
  })

  test.each([
    ["ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)", 'AUTH_FAILED'],
    [`mariadb-dump: Got error: 1045: "Access denied for user" when trying to connect`, 'AUTH_FAILED'],
    ["ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)", 'SERVICE_DOWN'],
    [
      "ERROR 2013 (HY000): Lost connection to server at 'handshake: reading initial communication packet'",
      'SERVICE_DOWN',
    ],
    ['mariadb-dump: Error 2013: Lost connection to server during query when dumping table `t` at row: 7', undefined],
    ["ERROR 1146 (42S02): Table 'shop.x' doesn't exist", undefined],
  ])('%s: %s', (said, code) => {
    expect(judgeConnection(said, 'EXEC_FAILED', { name: 'shop-db-1' })?.code).toBe(code)
  })
})

describe('accounts', () => {
  const account = (user: string, more: Partial<Account> = {}): Account => ({
    user,
    host: '%',
    role: false,
    create: `CREATE USER \`${user}\`@\`%\` IDENTIFIED BY PASSWORD '*4711'`,
    grants: [`GRANT USAGE ON *.* TO \`${user}\`@\`%\``],
    ...more,
  })

  test('stand in SQL that is read back', () => {
    const accounts = [
      account('readers', { role: true, host: '', create: "CREATE ROLE 'readers'", grants: [] }),
      account('PUBLIC', { role: true, host: '', create: '', grants: ['GRANT SELECT ON `a`.* TO PUBLIC'] }),
      account("it's -- account"),
    ]
    expect(parseAccounts(writeAccounts(accounts))).toEqual(accounts)
    expect(parseAccounts(writeAccounts([]))).toEqual([])
  })

  test('whose password belongs to the container of now are left alone where they are there', () => {
    const all = [account('root'), account('root', { host: 'localhost' }), account('healthcheck'), account('app')]
    const present = [account('root'), account('healthcheck'), account('app')]
    expect(replaceable(all, present, 'root').map(({ user, host }) => `${user}@${host}`)).toEqual([
      'root@localhost',
      'app@%',
    ])
  })
})
