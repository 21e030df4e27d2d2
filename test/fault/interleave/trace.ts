import type { World } from '../../fakes/engine-world.ts'
import type { Turns } from './turns.ts'

/** One step of one thread. */
export interface Step {
  /** Its number among the steps of all threads. */
  at: number
  thread: number
  /** The call that follows, such as `engine.stop app` or `catalog.addIntent`. */
  name: string
  /** What the call has changed in the world, as its journal tells it: `stop app`. */
  acts: string[]
}

/** Takes the turns of one thread and writes its steps down. */
export interface Tracer {
  readonly steps: Step[]
  /** The moment before a call that changes nothing in the world. */
  step(name: string): void
  /** The record, with a step before each call. */
  watch<T extends object>(place: string, record: T): T
}

/** Calls that a timer makes, whenever its time has come: as steps they would make the order depend on the speed of the machine. */
const byTimer = new Set(['isCancelled'])

const acting = new Set(['stop', 'start', 'pause', 'unpause'].map((verb) => `engine.${verb}`))

export function makeTracer(turns: Turns, thread: number, world: { read(): World }): Tracer {
  const steps: Step[] = []
  const begin = (name: string): Step => {
    const step: Step = { at: turns.step(), thread, name, acts: [] }
    steps.push(step)
    return step
  }
  /** What a call answers may have steps of its own: what was taken in, a lock that is released. */
  const watchAnswer = (name: string, answer: unknown): unknown => {
    if (answer === null || typeof answer !== 'object') return answer
    if ('publish' in answer) return watch('staged', answer)
    if (!(Symbol.dispose in answer)) return answer
    const held = answer as Disposable
    return {
      ...held,
      [Symbol.dispose]: () => {
        begin(`end of ${name}`)
        held[Symbol.dispose]()
      },
    }
  }
  const call = (name: string, work: () => unknown): unknown => {
    const step = begin(name)
    const before = acting.has(name) ? world.read().journal.length : 0
    // An engine acts before it answers, and nobody else has the turn until then.
    const answer = work()
    if (acting.has(name)) step.acts = world.read().journal.slice(before)
    return answer instanceof Promise ? answer.then((found) => watchAnswer(name, found)) : watchAnswer(name, answer)
  }
  const watch = <T extends object>(place: string, record: T): T =>
    new Proxy(record, {
      get(target, key) {
        const value = Reflect.get(target, key)
        if (typeof value !== 'function' || typeof key === 'symbol' || byTimer.has(key)) return value
        const name = `${place}.${key}`
        return (...args: unknown[]) => call(name, () => value.apply(target, args))
      },
    })
  return { steps, step: (name) => void begin(name), watch }
}
