import { BackupError } from '../../errors.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import type { MethodContext } from '../method.ts'
import { awaitServer } from '../shared/await-server.ts'
import { askRedisCli } from './redis-cli.ts'
import { type Info, infoNumber, parseConfig, parseInfo } from './reply.ts'

/**
 * A server that has its data in memory. It is asked by its own client program in the container; every answer was checked for
 * errors.
 */
export interface RedisClient {
  /** INFO of the time when the server was connected to. */
  info: Info
  /** The server's clock in whole seconds, and INFO of the same instant. */
  readInfo(): Promise<{ second: number; info: Info }>
  /** Values of `CONFIG GET`. Parameters that this version does not know are missing in the answer. */
  config(names: readonly string[]): Promise<Map<string, string>>
  /** The reply to `BGSAVE SCHEDULE`; `busy` while another save runs. */
  save(): Promise<'started' | 'scheduled' | 'busy'>
}

/** Connects to a server that is expected to answer at once, or else is SERVICE_DOWN. It may load its data for at most `seconds`. */
export const connect = (ctx: MethodContext, options: MethodOptions['redis'], seconds: number): Promise<RedisClient> =>
  open(ctx, options, { seconds, isPassing: () => false })

/** Connects to a server that was just started, and waits at most `seconds` until it answers and has loaded its data. */
export const awaitReady = (
  ctx: MethodContext,
  options: MethodOptions['redis'],
  seconds: number,
): Promise<RedisClient> => open(ctx, options, { seconds })

/** `redis 8.0.2`, `valkey 8.1.1`. */
export function serverName(info: Info): string {
  const valkey = info.get('valkey_version')
  return valkey ? `valkey ${valkey}` : `redis ${info.get('redis_version') ?? 'unknown'}`
}

async function open(
  ctx: MethodContext,
  options: MethodOptions['redis'],
  wait: { seconds: number; isPassing?: () => boolean },
): Promise<RedisClient> {
  const ask = (...commands: string[]) => askRedisCli(ctx, options, commands)
  const readInfo = async () => parseInstant(await ask('TIME', 'INFO'))
  const askLoaded = async () => {
    const { info } = await readInfo()
    return infoNumber(info, 'loading') === 0 ? info : undefined
  }
  const what = `Redis in ${ctx.container.name} to load its data`
  const info = await awaitServer(ctx, { what, ask: askLoaded, ...wait })
  return {
    info,
    readInfo,
    config: async (names) => parseConfig(await ask(...names.map((name) => `CONFIG GET ${name}`)), names),
    save: () => ask('BGSAVE SCHEDULE').then(parseSaveReply, acceptBusy),
  }
}

/** The replies to TIME and INFO, one after the other. */
function parseInstant(text: string): { second: number; info: Info } {
  const info = parseInfo(text)
  const second = Number.parseInt(text, 10)
  if (!info.has('run_id') || !(second > 0)) throw new BackupError('EXEC_FAILED', 'INFO of Redis is not readable')
  return { second, info }
}

function parseSaveReply(reply: string): 'started' | 'scheduled' {
  if (/background saving started/i.test(reply)) return 'started'
  if (/background saving scheduled/i.test(reply)) return 'scheduled'
  throw new BackupError('DUMP_FAILED', `BGSAVE: unexpected reply ${reply.trim().slice(0, 200)}`)
}

/** Even with SCHEDULE the server refuses a save with this error while another save, or a child for diskless replication, runs. */
function acceptBusy(error: unknown): 'busy' {
  if (error instanceof BackupError && /background save already in progress/i.test(error.message)) return 'busy'
  throw error
}
