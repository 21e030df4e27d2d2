import { describe, expect, test } from 'vitest'
import { judgeServer } from '../../../../src/methods/postgres/failure.ts'

const at = 'psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed:'

describe('what a program says of the server', () => {
  test.each([
    [`${at} FATAL:  password authentication failed for user "postgres"`, 'AUTH_FAILED'],
    [`${at} fe_sendauth: no password supplied`, 'AUTH_FAILED'],
    [`${at} FATAL:  Peer authentication failed for user "postgres"`, 'AUTH_FAILED'],
    [`${at} FATAL:  role "backup" does not exist`, 'AUTH_FAILED'],
    [`${at} FATAL:  no pg_hba.conf entry for host "[local]", user "a", database "b"`, 'AUTH_FAILED'],
    [
      `${at} No such file or directory\n\tIs the server running locally and accepting connections on that socket?`,
      'SERVICE_DOWN',
    ],
    [`${at} FATAL:  the database system is starting up`, 'SERVICE_DOWN'],
    [
      'pg_restore: error: COPY failed for table "t": ERROR:  could not extend file "base/5/16384": No space left on device',
      'NO_SPACE',
    ],
    [`${at} FATAL:  53100: could not write init file`, 'NO_SPACE'],
    ['pg_dump: error: query failed: ERROR:  permission denied for table t', undefined],
    ['psql:<stdin>:1: ERROR:  42704: role "x" does not exist', undefined],
  ])('%s', (said, code) => {
    expect(judgeServer(said)?.code).toBe(code)
  })
})
