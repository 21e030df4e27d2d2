import { settleWith, withDeadline } from '../lib/deadline.ts'

/** Programs that are ended get five seconds before they are killed. */
const seconds = 6

/**
 * Waits for work whose signal was aborted, for a short time only: what hangs MUST NOT keep a run from ending. Rejects with TIMEOUT where
 * it has not ended by then; it goes on by itself.
 */
export async function waitShortly(work: () => Promise<void>): Promise<void> {
  using deadline = withDeadline(new AbortController().signal, seconds, 'the end of a capture that was given up')
  await settleWith(deadline, work)
}
