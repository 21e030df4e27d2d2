import { setTimeout as sleep } from 'node:timers/promises'
import type { Units } from '../../src/engine/units.ts'
import { BackupError } from '../../src/errors.ts'
import { find } from './engine-acts.ts'
import type { WorldStore } from './engine-world.ts'

/**
 * systemd beside a fake engine: a container of its world whose facts name a `unit` is removed when that is stopped, and another one, with
 * another id, is made when it is started. The systemd of no test looks at processes: see test/process/engine/systemd.test.ts.
 */
export function fakeUnits(store: WorldStore, { answerMs = 0 } = {}): Units {
  const answer = async <T>(result: T): Promise<T> => {
    if (answerMs > 0) await sleep(answerMs)
    return result
  }
  return {
    holderOf: async ({ unit }) => (unit === undefined ? undefined : { unit, drags: [] }),
    stop: async ({ id, unit }) => {
      const killed = store.update((world) => {
        const facts = find(world, id)
        if (facts?.unit !== unit) throw new BackupError('UNIT_FAILED', `${unit} does not hold ${id}`)
        world.journal.push(`stop unit ${unit}`)
        world.units[unit] = facts
        world.containers.splice(world.containers.indexOf(facts), 1)
        return facts.ignoresTerm
      })
      return answer({ killed })
    },
    start: async (unit) => {
      store.update((world) => {
        if (world.containers.some((one) => one.unit === unit)) return
        const facts = world.units[unit]
        if (!facts) throw new BackupError('NO_SUCH_CONTAINER', `no unit ${unit}`)
        world.count += 1
        world.journal.push(`start unit ${unit}`)
        const id = world.count.toString(16).padStart(64, 'f')
        world.containers.push({ ...facts, id, state: 'running', startedAt: new Date(world.count * 1000).toISOString() })
      })
      await answer(undefined)
    },
  }
}
