import type { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { ExecResult, MethodContext } from '../method.ts'
import { awaitServer } from '../shared/await-server.ts'
import { describeSent, explainLogin } from '../shared/sent-secret.ts'
import { describeToolFailure } from './failure.ts'
import { shellAddress, toolPlace } from './place.ts'
import { toolScript, usualPassword } from './tool-script.ts'

/** MongoDB's own programs, run in the container of the server. */
export interface MongodbClient {
  readonly server: ServerFacts
  /**
   * Runs a script of mongosh and answers the JSON values that it prints by `say(value)`. The script has `admin`, which is the database of
   * that name, and `client`, which is the connection. `timeoutSeconds` is 60 by default.
   */
  ask<T>(script: string, timeoutSeconds?: number): Promise<T[]>
  /** Dumps all databases as an archive, on a member of a replica set with the operations of that time. */
  dump(): Promise<Readable>
  /** Runs mongorestore with `args` to its end, whatever its exit code. */
  restore(archive: Readable, args: string[]): Promise<ExecResult>
}

export interface ServerFacts {
  version: string
  /** The name of the replica set that it is a member of. Absent where it is a member of none. */
  replicaSet?: string
  /** Whether it is a router of a sharded cluster. */
  router: boolean
  /** The absolute path in the container. */
  dataDirectory: string
}

/** Connects to the server. SERVICE_DOWN, AUTH_FAILED or TOOL_MISSING where it cannot be asked. */
export async function connect(ctx: MethodContext, options: MethodOptions['mongodb']): Promise<MongodbClient> {
  const variables = [options.passwordEnv ?? usualPassword]
  const sent = describeSent({ variables, orFile: true }, ctx.container.environment)
  const command = (tool: string, args: string[]) => ['/bin/sh', '-c', toolScript(tool, options), 'sh', ...args]
  const ask = async <T>(script: string, timeoutSeconds = 60) => {
    const args = ['--nodb', '--norc', '--quiet', '--eval', prelude(options) + script]
    const result = await ctx.exec(command('mongosh', args), { timeoutSeconds })
    if (result.exitCode !== 0) throw explainLogin(describeToolFailure(ctx, 'mongosh', result), sent)
    const lines = result.stdout.split('\n').filter((line) => line.startsWith(mark))
    return lines.map((line) => JSON.parse(line.slice(mark.length)) as T)
  }
  const [server] = await ask<ServerFacts>(serverScript)
  if (!server) throw new BackupError('EXEC_FAILED', 'the server did not say what it is')
  const place = toolPlace(options)
  const dumpArguments = [...place, '--archive', ...(server.replicaSet === undefined ? [] : ['--oplog'])]
  return {
    server,
    ask,
    dump: () => ctx.execStream(command('mongodump', dumpArguments), { timeoutSeconds: longSeconds }),
    restore: (input, args) =>
      ctx.exec(command('mongorestore', [...place, '--archive', ...args]), { input, timeoutSeconds: longSeconds }),
  }
}

/** Connects to a server that was just started, once it answers. */
export function awaitReady(
  ctx: MethodContext,
  options: MethodOptions['mongodb'],
  seconds: number,
): Promise<MongodbClient> {
  const what = `MongoDB in ${ctx.container.name} to take connections`
  return awaitServer(ctx, { what, seconds, everyMs: 500, ask: () => connect(ctx, options) })
}

/** Begins each line that `say` prints, because mongosh may print notices of its own. */
const mark = 'xnai-backup '

/** The password is only in the environment of mongosh: not in this text, which is an argument, and not in an address. */
const prelude = (
  options: MethodOptions['mongodb'],
) => `const say = (value) => print(${JSON.stringify(mark)} + JSON.stringify(value));
const client = new Mongo(${JSON.stringify(shellAddress(options))});
const admin = client.getDB('admin');
const { env } = process;
if (env.XNAI_PASSWORD) admin.auth(env.XNAI_USER, env.XNAI_PASSWORD);
`

/** An account for backups need not have the right to see the options of the server. */
const serverScript = `const hello = admin.runCommand({ hello: 1 });
let dataDirectory;
try { dataDirectory = admin.runCommand({ getCmdLineOpts: 1 }).parsed.storage.dbPath } catch {}
say({ version: admin.version(), replicaSet: hello.setName, router: hello.msg === 'isdbgrid', dataDirectory: dataDirectory ?? '/data/db' });`
