import { BackupError } from '../../errors.ts'
import { poll } from '../../lib/deadline.ts'
import type { MethodContext } from '../method.ts'
import type { RedisCli } from './cli.ts'
import { type Info, infoNumber } from './reply.ts'

/** What the server looked like when the save was asked for. */
export interface SaveStart {
  runId: string
  /** Server clock; no earlier save ended in this second. */
  second: number
  /** Saves begun since the server started; absent before Redis 7. */
  saves: number | undefined
  scheduled: boolean
}

export type SaveVerdict = 'wait' | 'saved' | 'again' | 'failed'

/**
 * Has the save that was asked for at `start` ended? LASTSAVE alone does not tell: it has whole seconds and is set at server start too.
 * A restart and CONFIG RESETSTAT zero the counter; FLUSHALL kills the child and leaves the status `ok`: the save is asked for again.
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

/** Saves the data set to disk and returns when that save is proven complete. Answers the server second it began in, or later. */
export async function saveNow(ctx: MethodContext, cli: RedisCli): Promise<number> {
  const deadline = ctx.clock.monotonicMs() + saveSeconds * 1000
  for (;;) {
    const secondsLeft = Math.max((deadline - ctx.clock.monotonicMs()) / 1000, 0.001)
    const wait = { what: 'background save of Redis', seconds: secondsLeft, clock: ctx.clock, signal: ctx.signal }
    const start = await poll(() => askForSave(cli), wait)
    const verdict = await poll(async () => {
      const seen = judgeSave(start, (await cli.look()).info)
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

/** Undefined while another save runs, or until the clock has left the second of the last save. */
async function askForSave(cli: RedisCli): Promise<SaveStart | undefined> {
  const { second, info } = await cli.look()
  if (infoNumber(info, 'rdb_bgsave_in_progress') !== 0) return undefined
  if ((infoNumber(info, 'rdb_last_save_time') ?? 0) >= second) return undefined
  const reply = await cli.save()
  if (reply === 'busy') return undefined
  return {
    runId: info.get('run_id') ?? '',
    second,
    saves: infoNumber(info, 'rdb_saves'),
    scheduled: reply === 'scheduled',
  }
}
