import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endScript } from '../../../src/engine/end-command.ts'
import { execStream, execText } from '../../../src/engine/exec.ts'
import { connect as connectMariadb } from '../../../src/methods/mariadb/client.ts'
import type { MethodContext, StoredSnapshot } from '../../../src/methods/method.ts'
import { connect as connectMongodb } from '../../../src/methods/mongodb/client.ts'
import { connect as connectPostgres } from '../../../src/methods/postgres/client.ts'
import { type FreshDatabase, loaderOf } from '../../../src/methods/postgres/load-dump.ts'
import { checkScript, checkStream, parseReport } from '../../../src/methods/redis/rdb-check.ts'
import { askRedisCli } from '../../../src/methods/redis/redis-cli.ts'
import { runVmrestore } from '../../../src/methods/victoriametrics/vmrestore.ts'
import { fakeEngine } from '../../fakes/engine.ts'
import { localCommands } from '../../fakes/local-commands.ts'

// Alpine and other small images have the shell and the tools of busybox alone. Every script that a method runs in a container runs here
// with nothing else in PATH; the programs that it calls are small ones that tell what they were given.

const folder = mkdtempSync(join(tmpdir(), 'xnai-busybox-'))
const bin = join(folder, 'bin')
const password = `it's "a" $ecret\\ no\`body`
const passwordFile = join(folder, 'password')

beforeAll(() => {
  mkdirSync(bin)
  execFileSync('busybox', ['--install', '-s', bin])
  writeFileSync(passwordFile, `${password}\n`)
})
afterAll(() => rmSync(folder, { recursive: true }))

function program(name: string, lines: string): void {
  writeFileSync(join(bin, name), `#!${bin}/sh\n${lines}\n`)
  chmodSync(join(bin, name), 0o755)
}

function world(variables: Record<string, string> = {}): MethodContext {
  const { signal } = new AbortController()
  const engine = fakeEngine({
    containers: [{ name: 'db' }],
    commands: [
      (call) => {
        const command = call.request.command.map((word) => (word === '/bin/sh' ? 'sh' : word))
        const environment = { ...variables, ...call.request.environment, PATH: bin }
        return localCommands({ ...call, request: { ...call.request, command, environment } })
      },
    ],
  })
  return {
    container: { name: 'db', environment: new Map(Object.entries(variables)) },
    signal,
    warn: () => {},
    exec: (command: string[], { timeoutSeconds = 60, ...more } = {}) =>
      execText(engine, 'db', { command, timeoutSeconds, ...more }, signal),
    execStream: (command: string[], { timeoutSeconds = 60, ...more } = {}) =>
      execStream(engine, 'db', { command, timeoutSeconds, ...more }, signal),
  } as unknown as MethodContext
}

describe('under busybox', () => {
  test('redis-cli and the checker of RDB files are called', async () => {
    program('redis-cli', 'read -r command; echo "$REDISCLI_AUTH $* $command"')
    const options = { port: 6379, tls: false }
    expect(await askRedisCli(world({ REDIS_PASSWORD: password }), options, ['PING'])).toBe(`${password} -p 6379 PING\n`)
    expect(await askRedisCli(world(), { ...options, passwordFile }, ['PING'])).toBe(`${password} -p 6379 PING\n`)

    // What Node gives a process as standard input is a socket, which cannot be opened by a path.
    const count = '[ "$1" = /dev/stdin ] || exec <"$1"; echo "[info] $(wc -c) keys read"'
    program('redis-check-rdb', `${count}; echo 'RDB looks OK'`)
    expect(await checkStream(world(), Readable.from(['12345']), 5)).toMatchObject({ ok: true, keys: 5 })
    const checked = parseReport(await world().exec(['/bin/sh', '-c', checkScript, 'sh', passwordFile]))
    const inode = String(statSync(passwordFile).ino)
    expect(checked).toMatchObject({ ok: true, inodes: [inode, inode] })
  })

  test('the programs of Valkey are found under their own names', async () => {
    for (const name of ['redis-cli', 'redis-check-rdb']) rmSync(join(bin, name), { force: true })
    program('valkey-cli', 'cat >/dev/null; echo "$REDISCLI_AUTH $*"')
    program('valkey-check-rdb', `echo "[info] 1 keys read"; echo 'RDB looks OK'`)
    const options = { port: 6379, tls: true, cacert: '/ca', cert: '/cert', key: '/key' }
    const said = await askRedisCli(world({ REDIS_PASSWORD: password }), options, ['PING'])
    expect(said).toBe(`${password} -p 6379 --tls --cacert /ca --cert /cert --key /key\n`)
    expect(await checkStream(world(), Readable.from(['x']), 1)).toMatchObject({ ok: true, keys: 1 })
  })

  test('psql and pg_dump are called', async () => {
    program('psql', `cat >/dev/null; printf '{"version":"%s"}' "$PGUSER-\${#PGPASSWORD}-$1"`)
    program('pg_dump', `echo "$PGPASSWORD $*"; echo said >&2`)
    const client = await connectPostgres(world({ PW: password, POSTGRES_USER: 'app' }), { passwordEnv: 'PW' })
    expect(client.server).toMatchObject({ version: expect.stringMatching(`^app-${password.length}-`) })
    expect(await text(await client.stream('pg_dump', ['-Fc', 'a b']))).toBe(`${password} -Fc a b\n`)
    const drained = await client.run('pg_dump', [], { input: 'unread', drainInput: true, mergeErrors: true })
    expect(drained).toMatchObject({ exitCode: 0, stdout: `${password} \nsaid\n` })
  })

  describe('a program that ends before it has read its dump', () => {
    const load = async (artifact: string) => {
      program('psql', `cat >/dev/null; echo '{"version":"17.6"}'`)
      const ctx = world()
      const client = await connectPostgres(ctx, {})
      // More than the pipes on the way hold.
      const dump = Array.from({ length: 64 }, () => Buffer.alloc(64 * 1024))
      const snapshot = { facts: {}, open: async () => Readable.from(dump) } as unknown as StoredSnapshot
      const entry = { artifact, facts: { name: 'shop' }, fresh: 'xnai_fresh' } as FreshDatabase
      return loaderOf(ctx, client, snapshot, entry)
    }

    test('is right where it is pg_restore, which ends at the last entry that it needs', async () => {
      program('pg_restore', 'head -c 1000 >/dev/null')
      expect(await (await load('shop.dump')).run()).toBeUndefined()
    })

    test('and fails tells what it said', async () => {
      program('pg_restore', 'head -c 1000 >/dev/null; echo "error: no such role" >&2; exit 1')
      expect(await (await load('shop.dump')).run()).toMatchObject({
        tool: 'pg_restore',
        result: { exitCode: 1, stderr: 'error: no such role\n' },
      })
    })

    test('is wrong where it is psql, which reads statements to the last one', async () => {
      const loader = await load('shop.sql')
      program('psql', 'head -c 1000 >/dev/null')
      await expect(loader.run()).rejects.toMatchObject({ message: expect.stringContaining('had read its input') })
    })
  })

  test('the MySQL client is found under its own name and called', async () => {
    const facts = [':server', '8.0.1', '%s', '/data', '0', '0', 'root@localhost', '0', 'CREATE'].join('\\t')
    program('mysql', `cat >/dev/null; printf '${facts}\\n' "\${#MYSQL_PWD}"`)
    program('mysqldump', 'echo "$MYSQL_PWD $*"')
    const ctx = world({ MYSQL_ROOT_PASSWORD_FILE: passwordFile })
    const client = await connectMariadb(ctx, { user: 'root' })
    expect(client.server).toMatchObject({ version: '8.0.1', product: 'mysql' })
    expect(await text(await client.stream('dump', ['shop']))).toBe(`${password} --user=root shop\n`)
  })

  test('mongosh, mongodump and mongorestore are called, and find their password', async () => {
    const facts = JSON.stringify({ version: '7.0.1', router: false, dataDirectory: '/data/db' })
    program('mongosh', `[ "$XNAI_PASSWORD" = "$(cat '${passwordFile}')" ] && echo 'xnai-backup ${facts}'`)
    program('mongodump', 'cat "$2"; echo "$*"')
    program('mongorestore', 'cat "$2"; cat')
    const secret = { MONGO_INITDB_ROOT_USERNAME: 'root', MONGO_INITDB_ROOT_PASSWORD: password }
    const client = await connectMongodb(world(secret), { port: 27017, tls: false })
    expect(client.server.version).toBe('7.0.1')
    const yaml = `password: '${password.replaceAll("'", "''")}'\n`
    const login = '--config /dev/fd/3 --username root --authenticationDatabase admin'
    expect(await text(await client.dump())).toBe(`${yaml}${login} --port 27017 --archive\n`)
    const restored = await client.restore(Readable.from(['archive']), [])
    expect(restored).toMatchObject({ exitCode: 0, stdout: `${yaml}archive` })
  })

  test('vmrestore is found under each of its names and called', async () => {
    const ctx = world()
    await expect(runVmrestore(ctx, folder)).rejects.toMatchObject({ code: 'TOOL_MISSING' })
    program(
      'vmrestore-prod',
      `[ "$2" = "-src=fs://${folder}/backup" ] && [ "$3" = "-storageDataPath=${folder}/storage" ]`,
    )
    await runVmrestore(ctx, folder)
  })

  test('a command is found by its mark and ended', async () => {
    const mark = 'XNAI_BACKUP_EXEC=0123456789abcdef'
    const child = spawn('sleep', ['60'], { env: { ...process.env, XNAI_BACKUP_EXEC: '0123456789abcdef' } })
    const ended = new Promise((resolve) => child.once('exit', (_, name) => resolve(name)))
    const { stdout } = await world().exec(['/bin/sh', '-c', endScript, mark, 'TERM'])
    expect(stdout).toBe(`${child.pid}\nend\n`)
    expect(await ended).toBe('SIGTERM')
  })
})
