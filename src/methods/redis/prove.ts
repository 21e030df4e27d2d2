import { BackupError } from '../../errors.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Check, MethodContext } from '../method.ts'
import { awaitServer } from '../shared/await-server.ts'
import { compare } from '../shared/compare.ts'
import { isLoaded, type RedisCli } from './cli.ts'
import { readLayout } from './layout.ts'
import { type Info, infoNumber } from './reply.ts'

/**
 * Waits until the server has its data in memory. A server that does not answer at all is SERVICE_DOWN: after `seconds` where it was
 * just started, at once otherwise.
 */
export async function awaitLoaded(
  ctx: MethodContext,
  cli: RedisCli,
  { seconds, justStarted = false }: { seconds: number; justStarted?: boolean },
): Promise<Info> {
  const ask = async (): Promise<Info | undefined> => {
    const { info } = await cli.look()
    return isLoaded(info) ? info : undefined
  }
  const what = `Redis in ${ctx.container.name} to load its data`
  return awaitServer(ctx, { what, seconds, ask, ...(!justStarted && { isPassing: () => false }) })
}

/** What the server loaded against what was saved, and that it goes on persisting as it is configured. */
export async function compareFacts(cli: RedisCli, info: Info, facts: Facts): Promise<Check[]> {
  const { appendonly } = await readLayout(cli)
  const persistence = [
    info.get('aof_enabled') === '1' ? 'append-only' : 'rdb',
    info.get('rdb_last_bgsave_status'),
    info.get('aof_last_write_status') ?? 'ok',
  ]
  const expected = [appendonly ? 'append-only' : 'rdb', 'ok', 'ok']
  return [compareKeys(info, facts), compare('persistence', expected.join(', '), persistence.join(', '))]
}

/** Keys whose time has passed since the save are dropped while loading: they count as well. */
export function compareKeys(info: Info, facts: Facts): Check {
  if (typeof facts.keys !== 'number') return compare('keys', 'not recorded', String(keysNow(info)), true)
  const loaded = infoNumber(info, 'rdb_last_load_keys_loaded')
  if (loaded !== undefined) {
    const expired = infoNumber(info, 'rdb_last_load_keys_expired') ?? 0
    const actual = expired > 0 ? `${loaded + expired} (${expired} expired since)` : String(loaded)
    return compare('keys loaded', String(facts.keys), actual, loaded + expired === facts.keys)
  }
  // Before Redis 7 only the keys of now can be counted.
  const least = facts.keys - Number(facts.expires ?? 0)
  const now = keysNow(info)
  const expected = least === facts.keys ? String(facts.keys) : `${least} to ${facts.keys}`
  return compare('keys', expected, String(now), now >= least && now <= facts.keys)
}

/** Sum over the databases of INFO keyspace. */
export function keysNow(info: Info): number {
  const counts = [...info].map(([name, value]) => (/^db\d+$/.test(name) ? /^keys=(\d+)/.exec(value)?.[1] : undefined))
  return counts.reduce((sum, count) => sum + Number(count ?? 0), 0)
}

/** Instances that hold no data of their own, or only a copy. */
export function refuseRole(info: Info, code: 'DUMP_FAILED' | 'RESTORE_REFUSED'): void {
  if (info.get('redis_mode') === 'sentinel') {
    throw new BackupError(code, 'a sentinel holds no data', { hint: 'Label the Redis servers instead.' })
  }
  if (code === 'RESTORE_REFUSED' && info.get('role') === 'slave') {
    throw new BackupError(code, 'this instance is a replica and would be overwritten by its master', {
      hint: 'Restore the master; nothing was touched.',
    })
  }
}
