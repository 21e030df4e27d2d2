import { BackupError } from '../../errors.ts'
import { poll } from '../../lib/deadline.ts'
import type { MethodContext } from '../method.ts'
import type { RedisClient } from './client.ts'
import { type Info, infoNumber } from './reply.ts'

/** The state of the server when the save was asked for. */
export interface SaveStart {
  runId: string
  /** The second of the server's clock. No earlier save ended in it. */
  second: number
  /** The number of saves that began since the server started; absent before Redis 7. */
  saves: number | undefined
  /** The server will begin the save later, when another child process has ended. */
  scheduled: boolean
}

export type SaveVerdict = 'wait' | 'saved' | 'again' | 'failed'

/**
 * Judges from INFO whether the save that was asked for at `start` has ended. `again` means that it must be asked for once more: a restart
 * and CONFIG RESETSTAT set the counter to zero, and FLUSHALL kills the saving child but leaves the status `ok`. LASTSAVE alone does not
 * tell, because it has whole seconds and is also set when the server starts.
 */
export function judgeSave(start: SaveStart, info: Info): SaveVerdict {
  const saves = infoNumber(info, 'rdb_saves')
  if (info.get('run_id') !== start.runId) return 'again'
  if (start.saves !== undefined && (saves ?? 0) < start.saves) return 'again'
  if (infoNumber(info, 'rdb_bgsave_in_progress') !== 0) return 'wait'
  const ok = info.get('rdb_last_bgsave_status') === 'ok'
  const fresh = (infoNumber(info, 'rdb_last_save_time') ?? 0) >= start.second
  const counted = start.saves === undefined || (saves ?? 0) > start.saves
  if (counted && fresh && ok) return 'saved'
  const launched = start.saves === undefined ? !start.scheduled : counted
  if (!launched) return 'wait'
  return ok ? 'again' : 'failed'
}

/**
 * Lets the server save its data and waits for the proof that the save is complete. Returns a second of the server's clock that is
 * not later than its beginning.
 */
export async function saveNow(ctx: MethodContext, client: RedisClient): Promise<number> {
  const deadline = ctx.clock.monotonicMs() + saveSeconds * 1000
  for (;;) {
    const secondsLeft = Math.max((deadline - ctx.clock.monotonicMs()) / 1000, 0.001)
    const wait = { what: 'background save of Redis', seconds: secondsLeft, clock: ctx.clock, signal: ctx.signal }
    const start = await poll(() => askForSave(client), wait)
    const verdict = await poll(async () => {
      const seen = judgeSave(start, (await client.readInfo()).info)
      return seen === 'wait' ? undefined : seen
    }, wait)
    if (verdict === 'saved') return start.second
    if (verdict === 'failed')
      throw new BackupError('DUMP_FAILED', 'Redis could not save its data (rdb_last_bgsave_status)', {
        hint: failedHint,
      })
  }
}

const saveSeconds = 6 * 3600
const failedHint = 'Look at the log of Redis; often its disk is full, and it then refuses writes until a save succeeds.'

/** Asks for a save. Returns undefined while another save runs, and while the clock is in the second of the last save. */
async function askForSave(client: RedisClient): Promise<SaveStart | undefined> {
  const { second, info } = await client.readInfo()
  if (infoNumber(info, 'rdb_bgsave_in_progress') !== 0) return undefined
  if ((infoNumber(info, 'rdb_last_save_time') ?? 0) >= second) return undefined
  const reply = await client.save()
  if (reply === 'busy') return undefined
  return {
    runId: info.get('run_id') ?? '',
    second,
    saves: infoNumber(info, 'rdb_saves'),
    scheduled: reply === 'scheduled',
  }
}
