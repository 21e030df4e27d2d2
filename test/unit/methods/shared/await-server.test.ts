import { describe, expect, test } from 'vitest'
import { BackupError } from '../../../../src/errors.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import type { MethodContext } from '../../../../src/methods/method.ts'
import { awaitListening, awaitServer, pollAtMost } from '../../../../src/methods/shared/await-server.ts'

const down = () => new BackupError('SERVICE_DOWN', 'connection refused')
const context = (signal = new AbortController().signal) => ({ clock: systemClock, signal }) as MethodContext
const wait = { what: 'a server to answer', seconds: 0.1, everyMs: 1 }
/** For what comes before the time is over, however busy the machine is. */
const patient = { ...wait, seconds: 30 }

/** Gives one answer after the other, and the last one again and again. An error is thrown. */
function sequence<T>(...answers: (T | Error)[]): () => Promise<T> {
  return async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    if (answer instanceof Error) throw answer
    return answer as T
  }
}

describe('awaitServer', () => {
  test('a server that is down at first and then ready: its answer', async () => {
    const ask = sequence<string | undefined>(down(), undefined, 'ready')
    await expect(awaitServer(context(), { ...patient, ask })).resolves.toBe('ready')
  })

  test('a server that stays down: its last error, since it says more than a timeout', async () => {
    await expect(awaitServer(context(), { ...wait, ask: sequence(down()) })).rejects.toThrow('connection refused')
  })

  test('a server that answers and is never ready: TIMEOUT', async () => {
    const waiting = awaitServer(context(), { ...wait, ask: sequence<false>(false) })
    await expect(waiting).rejects.toMatchObject({ code: 'TIMEOUT', message: expect.stringContaining(wait.what) })
  })

  test('an error that does not pass by waiting ends the wait', async () => {
    const refused = new BackupError('AUTH_FAILED', 'wrong password')
    const ask = sequence<string>(down(), refused, 'ready')
    await expect(awaitServer(context(), { ...patient, ask })).rejects.toBe(refused)
  })

  test('`isPassing` decides which errors pass, and may replace one by a better one', async () => {
    const ask = sequence<string>(new Error('reset'), down(), 'ready')
    await expect(awaitServer(context(), { ...patient, ask, isPassing: () => true })).resolves.toBe('ready')
    const isPassing = async () => {
      throw new BackupError('SERVICE_DOWN', 'it ended while it started')
    }
    const ended = awaitServer(context(), { ...patient, ask: sequence(down()), isPassing })
    await expect(ended).rejects.toThrow('it ended while it started')
  })

  test('an interrupted wait: the reason of the interruption, not the error of the server', async () => {
    const controller = new AbortController()
    const reason = new BackupError('INTERRUPTED', 'interrupted')
    const ask = async () => {
      controller.abort(reason)
      throw down()
    }
    await expect(awaitServer(context(controller.signal), { ...patient, ask })).rejects.toBe(reason)
  })
})

describe('awaitListening', () => {
  const client = (listens: boolean) => ({ server: { listens } })
  const listen = (connect: () => Promise<ReturnType<typeof client>>, signal?: AbortSignal) =>
    awaitListening(context(signal), { what: wait.what, seconds: 1, connect })

  test('a server that initialises itself is not taken for one that is ready', async () => {
    const ready = client(true)
    const connect = sequence<typeof ready>(client(false), ready)
    await expect(awaitListening(context(), { what: wait.what, seconds: 5, connect })).resolves.toBe(ready)
  })

  test('a server that answers to the end and listens nowhere was configured so', async () => {
    const local = client(false)
    await expect(listen(sequence<typeof local>(down(), local))).resolves.toBe(local)
  })

  test('a server that answered once and is down again: its error', async () => {
    await expect(listen(sequence<ReturnType<typeof client>>(client(false), down()))).rejects.toThrow(
      'connection refused',
    )
  })

  test('an interrupted wait ends with the interruption although the server answers', async () => {
    const controller = new AbortController()
    const reason = new BackupError('INTERRUPTED', 'interrupted')
    const connect = async () => {
      controller.abort(reason)
      return client(false)
    }
    await expect(listen(connect, controller.signal)).rejects.toBe(reason)
  })
})

describe('pollAtMost', () => {
  const options = { ...wait, clock: systemClock, signal: new AbortController().signal }

  test('a state that comes in time is answered, and one that does not is undefined', async () => {
    const inTime = pollAtMost(sequence<string | undefined>(undefined, 'green'), { ...options, ...patient })
    await expect(inTime).resolves.toBe('green')
    await expect(pollAtMost(sequence<false>(false), options)).resolves.toBeUndefined()
  })

  test('an error of the question itself is thrown', async () => {
    await expect(pollAtMost(sequence(down()), options)).rejects.toThrow('connection refused')
  })
})
