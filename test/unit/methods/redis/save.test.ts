import { describe, expect, test } from 'vitest'
import { judgeSave, type SaveStart } from '../../../../src/methods/redis/save.ts'

const start: SaveStart = { runId: 'one', second: 1000, saves: 3, scheduled: false }
const seen = (change: Record<string, string | undefined>) => {
  const info = {
    run_id: 'one',
    rdb_bgsave_in_progress: '0',
    rdb_last_bgsave_status: 'ok',
    rdb_last_save_time: '1000',
    rdb_saves: '4',
  }
  return new Map(
    Object.entries({ ...info, ...change }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
const before7 = { ...start, saves: undefined }

describe('a background save', () => {
  test.each([
    ['is saved when it was counted, is over, ok and ended since', start, seen({}), 'saved'],
    ['may have ended a while later', start, seen({ rdb_last_save_time: '1060' }), 'saved'],
    ['is waited for while its child runs', start, seen({ rdb_bgsave_in_progress: '1' }), 'wait'],
    [
      'is waited for while an AOF rewrite holds it up',
      start,
      seen({ rdb_saves: '3', rdb_last_save_time: '990' }),
      'wait',
    ],
    [
      'is waited for although the save before it failed',
      start,
      seen({ rdb_saves: '3', rdb_last_bgsave_status: 'err' }),
      'wait',
    ],
    [
      'has failed when its status says so',
      start,
      seen({ rdb_last_bgsave_status: 'err', rdb_last_save_time: '990' }),
      'failed',
    ],
    [
      'is asked for again when FLUSHALL killed its child and left the status ok',
      start,
      seen({ rdb_last_save_time: '990' }),
      'again',
    ],
    [
      'is asked for again after a restart, which sets the time of the last save',
      start,
      seen({ run_id: 'two', rdb_saves: '0' }),
      'again',
    ],
    ['is asked for again after CONFIG RESETSTAT', start, seen({ rdb_saves: '0' }), 'again'],
    ['is saved without a counter (before 7) by its time', before7, seen({ rdb_saves: undefined }), 'saved'],
    [
      'without a counter: a failed child',
      before7,
      seen({ rdb_saves: undefined, rdb_last_bgsave_status: 'err' }),
      'failed',
    ],
    ['without a counter: a killed child', before7, seen({ rdb_saves: undefined, rdb_last_save_time: '990' }), 'again'],
    [
      'without a counter: scheduled and not begun',
      { ...before7, scheduled: true },
      seen({ rdb_saves: undefined, rdb_last_save_time: '990' }),
      'wait',
    ],
  ] as const)('%s', (_sentence, from, info, verdict) => {
    expect(judgeSave(from, info)).toBe(verdict)
  })
})
