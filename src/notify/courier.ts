import type { Notice } from '../catalog/notices.ts'
import type { Parts } from '../job/job.ts'
import { logFailure } from '../lib/log-failure.ts'
import { isHeartbeat, keyOf, type NotifyAddress } from './address.ts'
import type { Decision } from './decide.ts'
import { type Beat, isAtLeast, type Message } from './message.ts'
import { send } from './send.ts'

/** Hands over what was decided, beside everything else: no backup waits for it, and none fails by it. */
export interface Courier {
  /** Records a decision durably, and begins to hand over what it tells. */
  accept(decision: Decision): void
  /** Resolves when nothing is being handed over. What was not taken yet stays recorded for the next controller. */
  drain(): Promise<void>
}

const pausesSeconds = [10, 60, 300, 900]
const laterPauseSeconds = 3600
/** News of yesterday helps nobody. */
const patienceMs = 86_400_000

/** Aborting the signal ends the attempts. Default of `hand`: `send`. */
export function createCourier(
  { catalog, clock, log }: Pick<Parts, 'catalog' | 'clock' | 'log'>,
  addresses: NotifyAddress[],
  signal: AbortSignal,
  hand: typeof send = send,
): Courier {
  const working = new Map<string, Promise<void>>()
  dropForeign()

  /** What was recorded for addresses that are not configured any more is never told. */
  function dropForeign() {
    const keys = addresses.map(keyOf)
    for (const { id, address } of catalog.notices()) if (!keys.includes(address)) catalog.dropNotice(id)
  }
  const nextFor = (address: NotifyAddress): Notice | undefined =>
    catalog.notices().find((notice) => notice.address === keyOf(address))

  async function work(address: NotifyAddress): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const notice = nextFor(address)
      if (!notice) return
      if (await attempt(address, notice, failures)) failures = 0
      else await clock.sleep((pausesSeconds[failures++] ?? laterPauseSeconds) * 1000, signal).catch(() => {})
    }
  }
  /** Answers whether the notice is done with. */
  async function attempt(address: NotifyAddress, { id, detail }: Notice, failures: number): Promise<boolean> {
    const notification = detail as Message | Beat
    try {
      await hand(address, notification, signal)
    } catch (error) {
      if (signal.aborted) return false
      const isOver = clock.now().getTime() - Date.parse(notification.time) >= patienceMs
      const what = isOver ? 'a notification is given up' : 'a notification was not taken, and is tried again'
      if (isOver || failures === 0) logFailure(log, what, error, { level: isOver ? 'error' : 'warn' })
      if (!isOver) return false
    }
    catalog.dropNotice(id)
    return true
  }
  function wake() {
    for (const address of addresses) {
      const key = keyOf(address)
      if (working.has(key)) continue
      const ended = work(address)
        .catch((error: unknown) => logFailure(log, 'notifications cannot be handed over', error))
        .finally(() => working.delete(key))
      working.set(key, ended)
    }
  }
  return {
    accept(decision) {
      record(catalog, decision, addresses)
      wake()
    },
    drain: async () => void (await Promise.all(working.values())),
  }
}

/** A decision that changes nothing is not written: there is one every minute. */
function record(catalog: Parts['catalog'], { state, seen, message, beat }: Decision, addresses: NotifyAddress[]): void {
  const notices = addresses.flatMap((address) => {
    const detail = isHeartbeat(address) ? beat : messageFor(address, message)
    return detail ? [{ address: keyOf(address), detail, replaces: isHeartbeat(address) }] : []
  })
  const isSame = JSON.stringify(catalog.noticeState()) === JSON.stringify(state)
  if (!isSame || seen.length > 0 || notices.length > 0) catalog.recordNotices({ state, runs: seen, notices })
}

/** What of a message is important enough for an address. */
function messageFor({ level }: NotifyAddress, message: Message | undefined): Message | undefined {
  const items = message?.items.filter((item) => isAtLeast(item.level, level)) ?? []
  return message && items.length > 0 ? { ...message, items } : undefined
}
