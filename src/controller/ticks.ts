import { schedule } from 'node-cron'

/** Calls at the beginning of each minute, which is when slots come; ends with dispose. A tick that is late or lost is no harm. */
export function minuteTicks(onTick: () => void): Disposable {
  const task = schedule('* * * * *', onTick, { suppressMissedWarning: true })
  return { [Symbol.dispose]: () => void task.destroy() }
}
