import type { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { ExecResult, MethodContext } from '../method.ts'
import { awaitServer } from '../shared/await-server.ts'
import { describeFailure } from './failure.ts'
import { toolScript } from './script.ts'

/** MongoDB's own programs, run in the container of the server. */
export interface MongodbClient {
  readonly server: ServerFacts
  /** What a script prints by `say(value)`, each a JSON value. It has `admin`, the database of that name, and `client`. */
  ask<T>(script: string, timeoutSeconds?: number): Promise<T[]>
  /** An archive of all databases. */
  dump(): Promise<Readable>
  restore(archive: Readable, args: string[]): Promise<ExecResult>
}

export interface ServerFacts {
  version: string
  /** Name of the replica set that it is a member of. */
  replicaSet?: string
  /** A router of a sharded cluster. */
  router: boolean
  /** Absolute, in the container. */
  dataDirectory: string
}

/** SERVICE_DOWN, AUTH_FAILED or TOOL_MISSING where the server cannot be asked. */
export async function connectMongodb(ctx: MethodContext, options: MethodOptions['mongodb']): Promise<MongodbClient> {
  const command = (tool: string, args: string[]) => ['/bin/sh', '-c', toolScript(tool, options), 'sh', ...args]
  const ask = async <T>(script: string, timeoutSeconds = 60) => {
    const args = ['--nodb', '--norc', '--quiet', '--eval', prelude + script]
    const result = await ctx.exec(command('mongosh', args), { timeoutSeconds })
    if (result.exitCode !== 0) throw describeFailure(ctx, 'mongosh', result)
    const lines = result.stdout.split('\n').filter((line) => line.startsWith(mark))
    return lines.map((line) => JSON.parse(line.slice(mark.length)) as T)
  }
  const [server] = await ask<ServerFacts>(serverScript)
  if (!server) throw new BackupError('EXEC_FAILED', 'the server did not say what it is')
  const dumpArguments = ['--archive', ...(server.replicaSet === undefined ? [] : ['--oplog'])]
  return {
    server,
    ask,
    dump: () => ctx.execStream(command('mongodump', dumpArguments), { timeoutSeconds: longSeconds }),
    restore: (input, args) =>
      ctx.exec(command('mongorestore', ['--archive', ...args]), { input, timeoutSeconds: longSeconds }),
  }
}

/** As `connectMongodb`, for a server that was just started. */
export function awaitMongodb(
  ctx: MethodContext,
  options: MethodOptions['mongodb'],
  seconds: number,
): Promise<MongodbClient> {
  const what = `MongoDB in ${ctx.container.name} to take connections`
  return awaitServer(ctx, { what, seconds, everyMs: 500, ask: () => connectMongodb(ctx, options) })
}

/** The shell may print notices of its own. */
const mark = 'xnai-backup '

/** The password stands in the environment of the shell alone: neither in this text, which is an argument, nor in an address. */
const prelude = `const say = (value) => print(${JSON.stringify(mark)} + JSON.stringify(value));
const client = new Mongo('mongodb://127.0.0.1:27017/?directConnection=true&serverSelectionTimeoutMS=10000');
const admin = client.getDB('admin');
const { env } = process;
if (env.XNAI_PASSWORD) admin.auth(env.XNAI_USER, env.XNAI_PASSWORD);
`

/** An account for backups need not have the right to see options. */
const serverScript = `const hello = admin.runCommand({ hello: 1 });
let dataDirectory;
try { dataDirectory = admin.runCommand({ getCmdLineOpts: 1 }).parsed.storage.dbPath } catch {}
say({ version: admin.version(), replicaSet: hello.setName, router: hello.msg === 'isdbgrid', dataDirectory: dataDirectory ?? '/data/db' });`
