import type { Progress } from '../../job/job.ts'
import type { Clock } from '../../lib/clock.ts'
import { formatBytes, formatSeconds } from './format.ts'
import type { Screen } from './screen.ts'

/** The step that a target is at. */
interface Work {
  step: string
  bytes: number
  sinceMs: number
}

const redrawMs = 200

/** Shows one live line for each running target: step, percent, bytes, rate, and the time left where the total is known. */
export function makeTerminalProgress(
  screen: Screen,
  clock: Clock,
  totals: ReadonlyMap<string, number>,
): Progress & Disposable {
  const works = new Map<string, Work>()
  let drawnMs = Number.NEGATIVE_INFINITY
  const draw = (nowMs: number) => {
    drawnMs = nowMs
    screen.live([...works].map(([target, work]) => renderWork(target, work, nowMs, totals.get(target))))
  }
  return {
    step: (target, step) => {
      works.set(target, { step, bytes: 0, sinceMs: clock.monotonicMs() })
      draw(clock.monotonicMs())
    },
    bytes: (target, count) => {
      const nowMs = clock.monotonicMs()
      const work = works.get(target) ?? { step: '', bytes: 0, sinceMs: nowMs }
      works.set(target, { ...work, bytes: work.bytes + count })
      if (work.bytes === 0 || nowMs - drawnMs >= redrawMs) draw(nowMs)
    },
    [Symbol.dispose]: () => screen.live([]),
  }
}

function renderWork(target: string, { step, bytes, sinceMs }: Work, nowMs: number, total?: number): string {
  const seconds = (nowMs - sinceMs) / 1000
  if (bytes === 0) return `${target}  ${step}`
  const parts = total
    ? [`${percentOf(bytes, total)} %`, `${formatBytes(bytes)} of about ${formatBytes(total)}`]
    : [formatBytes(bytes)]
  const rate = seconds > 0 ? bytes / seconds : 0
  if (rate > 0) parts.push(`${formatBytes(rate)}/s`)
  if (rate > 0 && total && total > bytes) parts.push(`${formatSeconds((total - bytes) / rate)} left`)
  return `${target}  ${step}  ${parts.join(', ')}`
}

/** The total is a guess: what goes on is never at 100. */
const percentOf = (bytes: number, total: number): number => Math.min(99, Math.floor((bytes / total) * 100))

/** Writes one line for each step. */
export const makePlainProgress = (screen: Screen): Progress & Disposable => ({
  step: (target, step) => screen.write(`${target}: ${step}\n`),
  bytes: () => {},
  [Symbol.dispose]: () => {},
})
