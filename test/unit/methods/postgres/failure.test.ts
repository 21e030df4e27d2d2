import { describe, expect, test } from 'vitest'
import type { ContainerFacts } from '../../../../src/engine/engine.ts'
import { BackupError } from '../../../../src/errors.ts'
import type { MethodContext } from '../../../../src/methods/method.ts'
import { asDumpError, describeToolFailure, judgeServer } from '../../../../src/methods/postgres/failure.ts'

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
    expect(judgeServer(said, 'EXEC_FAILED', { name: 'shop-db-1' })?.code).toBe(code)
  })
})

describe('the error that is shown', () => {
  const statement = `Command was: CREATE FUNCTION public.form() RETURNS trigger\n${'    -- a line of its body\n'.repeat(20)}`
  const restore = (stderr: string) =>
    describeToolFailure(
      { container: { name: 'db' } as ContainerFacts },
      'pg_restore',
      { exitCode: 1, stderr },
      'RESTORE_FAILED',
    )

  test('names the reason, and no statement that stands behind it', () => {
    const { message } = restore(
      `pg_restore: error: could not execute query: ERROR:  relation "parts" does not exist\nDETAIL:  It is gone.\n${statement}`,
    )
    expect(message).toContain('ERROR:  relation "parts" does not exist\nDETAIL:  It is gone.')
    expect(message).not.toContain('Command was')
  })

  test('of too little shared memory has a hint of its own, and speaks of no full disk', () => {
    const said =
      'ERROR:  could not resize shared memory segment "/PostgreSQL.7" to 8388608 bytes: No space left on device'
    const expected = { code: 'RESTORE_FAILED', hint: expect.stringContaining('shm_size') }
    expect(restore(`pg_restore: error: could not execute query: ${said}`)).toMatchObject(expected)
    const dump = asDumpError(
      { container: { name: 'db' } } as MethodContext,
      new BackupError('EXEC_FAILED', `sh in db: exit code 1\npg_dump: error: ${said}`),
      'the dump',
    )
    expect(dump).toMatchObject({ ...expected, code: 'DUMP_FAILED' })
  })
})
