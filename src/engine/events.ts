import type { IncomingMessage } from 'node:http'
import { addAbortSignal } from 'node:stream'
import type { Clock } from '../lib/clock.ts'
import type { Connection } from './connection.ts'
import type { EngineEvent } from './engine.ts'

const firstPauseMs = 250
const longestPauseMs = 30_000
/** After a connection that held this long, the pauses start with the shortest again. */
const steadyMs = 10_000
const maxLineChars = 1024 * 1024

/**
 * Yields container events until the signal is aborted. Every connection, the first one too, begins with a `resync`, because what
 * happened before it was not seen. A failure to connect is no error here, because the next pass meets it too.
 */
export async function* watchEvents(
  connection: Connection,
  signal: AbortSignal,
  clock: Clock,
): AsyncGenerator<EngineEvent, void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    const began = clock.monotonicMs()
    try {
      const stream = await openEvents(connection, signal)
      yield { action: 'resync', containerId: '' }
      for await (const line of readLines(stream)) {
        const event = parseEvent(line)
        if (event) yield event
      }
    } catch {
      // Nothing is lost: the resync of the next connection makes the controller list everything anew.
    }
    if (clock.monotonicMs() - began > steadyMs) failures = 0
    await clock.sleep(pauseMs(failures), signal).catch(() => undefined)
  }
}

async function openEvents(connection: Connection, signal: AbortSignal): Promise<IncomingMessage> {
  const request = { what: 'watch events', signal, seconds: 30 }
  const stream = await connection.call(request, (abortSignal) =>
    connection.docker.getEvents({ filters: { type: ['container'] }, abortSignal }),
  )
  return addAbortSignal(signal, stream as IncomingMessage)
}

/** Doubles the pause with each failure and shortens it by up to half at random, so that many watchers do not come back at once. */
function pauseMs(failures: number): number {
  return Math.min(firstPauseMs * 2 ** failures, longestPauseMs) * (1 - Math.random() / 2)
}

async function* readLines(stream: IncomingMessage): AsyncGenerator<string, void> {
  let rest = ''
  for await (const chunk of stream.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > maxLineChars) throw new Error('an event without an end')
    yield* lines
  }
}

/** Answers undefined for anything that is no event of a container, such as an error of the engine in the stream. */
function parseEvent(line: string): EngineEvent | undefined {
  if (line.trim() === '') return undefined
  const event = JSON.parse(line) as { Type?: string; Action?: string; Actor?: { ID?: string } } | null
  if (event?.Type !== 'container' || !event.Action || !event.Actor?.ID) return undefined
  return { action: event.Action, containerId: event.Actor.ID }
}
