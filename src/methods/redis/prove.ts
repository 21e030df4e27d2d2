import type { TargetSpec } from '../../labels/spec.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Check, RestoreContext, StoredSnapshot } from '../method.ts'
import { compare } from '../shared/compare.ts'
import { awaitReady, type RedisClient } from './client.ts'
import { readLayout } from './layout.ts'
import { rdbBytes } from './rdb.ts'
import { type Info, infoNumber } from './reply.ts'

/** Bytes of an RDB that a slow machine loads in a second. */
const loadBytesPerSecond = 5e6

/** Compares what the server loaded with what was saved, and checks that it goes on persisting as it is configured. */
export async function prove(
  ctx: RestoreContext,
  { options, startTimeoutSeconds }: TargetSpec<'redis'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const seconds = startTimeoutSeconds + rdbBytes(snapshot) / loadBytesPerSecond
  const client = await awaitReady(ctx, options, seconds)
  return [compareRole(client.info), compareKeys(client.info, snapshot.facts), await provePersistence(client)]
}

/** Only masters are restored. One that comes back as a replica was deposed by sentinels, and holds the data of another server. */
export const compareRole = (info: Info): Check => compare('role', 'master', info.get('role') ?? 'unknown')

async function provePersistence(client: RedisClient): Promise<Check> {
  const { appendonly } = await readLayout(client)
  const { info } = client
  const persistence = [
    info.get('aof_enabled') === '1' ? 'append-only' : 'rdb',
    info.get('rdb_last_bgsave_status'),
    info.get('aof_last_write_status') ?? 'ok',
  ]
  const expected = [appendonly ? 'append-only' : 'rdb', 'ok', 'ok']
  return compare('persistence', expected.join(', '), persistence.join(', '))
}

/** Compares the number of keys. The server drops keys whose time has passed since the save while it loads: they count as loaded. */
export function compareKeys(info: Info, facts: Facts): Check {
  if (typeof facts.keys !== 'number') return compare('keys', 'not recorded', String(keysNow(info)), true)
  const loaded = infoNumber(info, 'rdb_last_load_keys_loaded')
  if (loaded !== undefined) {
    const expired = infoNumber(info, 'rdb_last_load_keys_expired') ?? 0
    const actual = expired > 0 ? `${loaded + expired} (${expired} expired since)` : String(loaded)
    return compare('keys loaded', String(facts.keys), actual, loaded + expired === facts.keys)
  }
  // Before Redis 7 the server does not report what it loaded: the keys that it holds now are counted.
  const least = facts.keys - Number(facts.expires ?? 0)
  const now = keysNow(info)
  const expected = least === facts.keys ? String(facts.keys) : `${least} to ${facts.keys}`
  return compare('keys', expected, String(now), now >= least && now <= facts.keys)
}

/** The number of keys in all databases. */
function keysNow(info: Info): number {
  const counts = [...info].map(([name, value]) => (/^db\d+$/.test(name) ? /^keys=(\d+)/.exec(value)?.[1] : undefined))
  return counts.reduce((sum, count) => sum + Number(count ?? 0), 0)
}
