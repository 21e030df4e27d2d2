import { schedule } from 'node-cron'

/** Calls `onTick` at the beginning of each minute, which is when slots come, until it is disposed. A tick that is late or lost does no harm. */
export function minuteTicks(onTick: () => void): Disposable {
  const task = schedule('* * * * *', onTick, { suppressMissedWarning: true })
  return { [Symbol.dispose]: () => void task.destroy() }
}
