/**
 * The product's own program, killed by SIGKILL at the step whose number stands in VICTIM_KILL_AT. A step is the moment before
 * a call that changes something in the engine, the catalog or the repository; so the moment after it is the next step. VICTIM_TRACE names a file that takes a line a step.
 */
import { appendFileSync } from 'node:fs'
import { openParts, start } from '../../src/main.ts'

const killAt = Number(process.env.VICTIM_KILL_AT ?? 0)
const trace = process.env.VICTIM_TRACE
let steps = 0

function step(name: string): void {
  steps++
  if (trace) appendFileSync(trace, `${name}\n`)
  if (steps === killAt) process.kill(process.pid, 'SIGKILL')
}

const changing = new Set([
  ...['stop', 'start', 'pause', 'unpause', 'exec', 'connectNetwork', 'disconnectNetwork'],
  ...['lock', 'addIntent', 'dropIntent', 'abandonIntent', 'startRun', 'finishRun', 'saveSchedule'],
  ...['stage', 'publish', 'discard', 'extract', 'verify', 'sweep'],
])

function watched<T extends object>(place: string, record: T): T {
  return new Proxy(record, {
    get(target, key) {
      const value = Reflect.get(target, key)
      if (typeof value !== 'function' || !changing.has(String(key))) return value
      const name = `${place}.${String(key)}`
      return (...args: unknown[]) => {
        step(name)
        const result = value.apply(target, args.map(watchBytes))
        return result instanceof Promise ? result.then(watchStaged) : result
      }
    },
  })
}

const watchStaged = <T>(answer: T): T =>
  answer !== null && typeof answer === 'object' && 'publish' in answer ? watched('staged', answer) : answer

/** The first bytes that pass are a step too: the middle of a capture or an extraction. */
function watchBytes(argument: unknown): unknown {
  if (argument === null || typeof argument !== 'object' || !('signal' in argument)) return argument
  let seen = false
  const told = (argument as { onBytes?: (count: number) => void }).onBytes
  const onBytes = (count: number) => {
    if (!seen) step('bytes pass')
    seen = true
    told?.(count)
  }
  return { ...argument, onBytes }
}

await start(async (...args) => {
  const parts = await openParts(...args)
  return {
    ...parts,
    engine: watched('engine', parts.engine),
    catalog: watched('catalog', parts.catalog),
    repositories: new Map([...parts.repositories].map(([tier, one]) => [tier, watched('repository', one)])),
  }
})
