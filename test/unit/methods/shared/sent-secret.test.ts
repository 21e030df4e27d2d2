import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { connect as connectMariadb } from '../../../../src/methods/mariadb/client.ts'
import type { MethodContext } from '../../../../src/methods/method.ts'
import { connect as connectMongodb } from '../../../../src/methods/mongodb/client.ts'
import { connect as connectPostgres } from '../../../../src/methods/postgres/client.ts'
import { connect as connectRedis } from '../../../../src/methods/redis/client.ts'

const password = 'open sesame'

/** A server that answers every program of the container with a refusal. */
function refusing(answer: { stdout?: string; stderr?: string }, environment: Record<string, string>): MethodContext {
  const result = { exitCode: answer.stderr === undefined ? 0 : 1, stdout: '', stderr: '', ...answer }
  const container = { name: 'shop-db-1', environment: new Map(Object.entries(environment)) }
  const ctx = { container, exec: async () => result, clock: systemClock, signal: AbortSignal.timeout(20_000) }
  return ctx as unknown as MethodContext
}

const redis = (options: object) => (ctx: MethodContext) =>
  connectRedis(ctx, { port: 6379, tls: false, ...options } as Parameters<typeof connectRedis>[1], 1)
const postgres = (options: object) => (ctx: MethodContext) => connectPostgres(ctx, options)
const mariadb = (options: object) => (ctx: MethodContext) => connectMariadb(ctx, { user: 'root', ...options })
const mongodb = (options: object) => (ctx: MethodContext) =>
  connectMongodb(ctx, { port: 27017, tls: false, ...options } as Parameters<typeof connectMongodb>[1])

const wrongRedis = { stdout: 'WRONGPASS invalid username-password pair or user is disabled.\n' }
const wrongPostgres = { stderr: 'psql: error: FATAL:  password authentication failed for user "postgres"\n' }
const wrongMariadb = { stderr: "ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)\n" }
const wrongMongodb = { stderr: 'MongoServerError: Authentication failed.\n' }

describe('a refused login says which password was sent', () => {
  test.for([
    ['redis by its usual variable', redis({}), wrongRedis, 'REDIS_PASSWORD', 'the variable REDIS_PASSWORD'],
    ['redis by a label', redis({ passwordEnv: 'MINE' }), wrongRedis, 'MINE', 'the variable MINE'],
    ['redis by a file', redis({ passwordFile: '/run/secret' }), wrongRedis, 'OTHER', 'the file /run/secret'],
    ['postgres by a label', postgres({ passwordEnv: 'MINE' }), wrongPostgres, 'MINE', 'the variable MINE'],
    ['mariadb', mariadb({}), wrongMariadb, 'MYSQL_ROOT_PASSWORD', 'the variable MYSQL_ROOT_PASSWORD'],
    [
      'mariadb by a file',
      mariadb({}),
      wrongMariadb,
      'MARIADB_ROOT_PASSWORD_FILE',
      'the file of the variable MARIADB_ROOT_PASSWORD_FILE',
    ],
    ['mongodb', mongodb({}), wrongMongodb, 'MONGO_INITDB_ROOT_PASSWORD', 'the variable MONGO_INITDB_ROOT_PASSWORD'],
  ] as const)('of %s', async ([, connect, answer, variable, place]) => {
    const error = await connect(refusing(answer, { [variable]: password })).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'AUTH_FAILED',
      hint: expect.stringContaining(`The server refused what ${place} holds.`),
    })
    expect(String(error) + (error as { hint: string }).hint).not.toContain(password)
  })

  test.for([
    ['redis', redis({ passwordEnv: 'hunter2' }), { stdout: 'NOAUTH Authentication required.\n' }],
    ['postgres', postgres({ passwordEnv: 'hunter2' }), { stderr: 'psql: error: fe_sendauth: no password supplied\n' }],
    ['mariadb', mariadb({ passwordEnv: 'hunter2' }), wrongMariadb],
    ['mongodb', mongodb({ passwordEnv: 'hunter2' }), wrongMongodb],
  ] as const)('and %s that none was, without the name that is no variable', async ([, connect, answer]) => {
    const error = await connect(refusing(answer, {})).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'AUTH_FAILED', hint: expect.stringContaining('Nothing was sent') })
    expect(String(error) + (error as { hint: string }).hint).not.toContain('hunter2')
  })

  test('but not where the password was taken and the user may not do it', async () => {
    const answer = { stdout: "NOPERM User backup has no permissions to run the 'bgsave' command\n" }
    await expect(redis({})(refusing(answer, { REDIS_PASSWORD: password }))).rejects.toMatchObject({
      hint: expect.not.stringContaining('refused what'),
    })
  })
})
