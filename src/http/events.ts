import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Clock } from '../lib/clock.ts'
import type { Live } from './live.ts'

/** More clients than any team has pages open. Each costs a connection and a timer. */
const mostStreams = 100
const lookMs = 1000
/** Ages grow without any event. It also shows proxies that the stream lives. */
const renewMs = 20_000

/**
 * Makes the one stream of events: `status` with the report whenever it says something new, and `jobs` with the running jobs as they go on.
 * A client that does not read is not written to until its connection ends by the idle limit of the server.
 */
export function createEvents(clock: Clock, signal: AbortSignal): (context: Context, live: Live) => Response {
  let open = 0
  return (context, live) => {
    if (open >= mostStreams) return context.text('too many streams are open\n', 503, { 'Retry-After': '30' })
    open += 1
    context.header('X-Accel-Buffering', 'no')
    return streamSSE(context, async (stream) => {
      const ended = new AbortController()
      stream.onAbort(() => ended.abort())
      const over = AbortSignal.any([ended.signal, signal])
      const tell = async (event: string, data: string) => await stream.writeSSE({ event, data })
      try {
        await follow({ clock, live, tell }, over)
      } catch (error) {
        if (!over.aborted) await tell('end', (error as Error).name)
      } finally {
        open -= 1
      }
    })
  }
}

interface Following {
  clock: Clock
  live: Live
  tell(event: string, data: string): Promise<void>
}

async function follow({ clock, live, tell }: Following, over: AbortSignal): Promise<void> {
  const told = { status: '', jobs: '', atMs: Number.NEGATIVE_INFINITY }
  for (; !over.aborted; await clock.sleep(lookMs, over)) {
    const { status, pass, jobs } = await live.overview()
    const [state, running] = [withoutAges({ ...status, pass }), JSON.stringify(jobs)]
    if (state !== told.status || clock.monotonicMs() - told.atMs >= renewMs) {
      await tell('status', JSON.stringify({ ...status, pass }))
      Object.assign(told, { status: state, atMs: clock.monotonicMs() })
    }
    if (running !== told.jobs) await tell('jobs', JSON.stringify({ jobs }))
    told.jobs = running
  }
}

/** What changes from second to second, though nothing has happened. */
const passing = new Set(['ageSeconds', 'lastChangeSeconds', 'freeBytes', 'time'])
const withoutAges = (document: object): string =>
  JSON.stringify(document, (key, value) => (passing.has(key) ? undefined : value))
