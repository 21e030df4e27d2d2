import { BackupError } from '../../errors.ts'
import type { Facts } from '../../repository/repository.ts'
import type { RedisClient } from './client.ts'

/** Where an instance keeps its data, in container paths. */
export interface Layout {
  dir: string
  dbfilename: string
  appendonly: boolean
  appendfilename: string
  /** The folder in `dir` that holds the multi-part append-only file. Absent before Redis 7, where it is one file in `dir`. */
  appenddirname?: string
  /** The save points of the configuration; '' where the instance never saves by itself. */
  save: string
}

const parameters = ['dir', 'dbfilename', 'appendonly', 'appendfilename', 'appenddirname', 'save'] as const

/** Asks the server for its layout. EXEC_FAILED where it does not tell, or names something that is no file name. */
export async function readLayout(client: RedisClient): Promise<Layout> {
  const config = await client.config(parameters)
  const missing = (['dir', 'dbfilename', 'appendonly'] as const).filter((name) => !config.get(name))
  if (missing.length > 0) {
    throw new BackupError('EXEC_FAILED', `CONFIG GET does not tell ${missing.join(', ')}`, {
      hint: 'The backup needs CONFIG GET; it may be limited to the ACL user of xnai.backup.redis.user.',
    })
  }
  return toLayout((name) => config.get(name))
}

/** The layout that was recorded with a snapshot. */
export function layoutOfFacts(facts: Facts): Layout {
  return toLayout((name) => (facts[name] === undefined ? undefined : String(facts[name])))
}

function toLayout(value: (name: (typeof parameters)[number]) => string | undefined): Layout {
  const appenddirname = value('appenddirname')
  const layout = {
    dir: value('dir') ?? '/data',
    dbfilename: value('dbfilename') ?? 'dump.rdb',
    appendonly: value('appendonly') === 'yes',
    appendfilename: value('appendfilename') ?? 'appendonly.aof',
    save: value('save') ?? '',
    ...(appenddirname && { appenddirname }),
  }
  const unsafe = [layout.dbfilename, layout.appendfilename, appenddirname ?? 'x'].find((name) =>
    /\/|^\.{0,2}$/.test(name),
  )
  if (unsafe !== undefined || !layout.dir.startsWith('/')) {
    throw new BackupError('EXEC_FAILED', `Redis names an unusable file or directory: ${unsafe ?? layout.dir}`)
  }
  return layout
}

/** The facts of a snapshot that describe the layout, under the names of the parameters. */
export function factsOfLayout(layout: Layout): Record<string, string> {
  return {
    dir: layout.dir,
    dbfilename: layout.dbfilename,
    appendonly: layout.appendonly ? 'yes' : 'no',
    appendfilename: layout.appendfilename,
    save: layout.save,
    ...(layout.appenddirname && { appenddirname: layout.appenddirname }),
  }
}
