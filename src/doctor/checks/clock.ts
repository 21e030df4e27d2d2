import { isInFuture } from '../../plan/dated.ts'
import { observeRepositories } from '../../report/observe.ts'
import { bad, type Check, type Diagnosis, orGood } from '../check.ts'

/** Whether anything that was dated before now lies in the future: containers by the engine's clock, snapshots by that of their writer. */
export const checkClock: Check = async ({ parts, stack, signal }) => {
  const now = parts.clock.now()
  const found: Diagnosis[] = []
  const judge = (what: string, time: string | undefined) => {
    if (time !== undefined && isInFuture(time, now))
      found.push(bad('clock', `${what}, and it is ${now.toISOString()} here`, fix))
  }
  if (!(stack instanceof Error)) {
    const last = stack.containers.toSorted((a, b) => (a.startedAt ?? '').localeCompare(b.startedAt ?? '')).at(-1)
    judge(`${last?.name} was started at ${last?.startedAt} by the clock of the engine`, last?.startedAt)
  }
  for (const { tier, snapshots } of await observeRepositories(parts, signal)) {
    const newest = snapshots.toSorted((a, b) => (a.time < b.time ? -1 : 1)).at(-1)
    judge(`snapshot ${newest?.id} in the ${tier} repository is of ${newest?.time}`, newest?.time)
  }
  return orGood(found, 'clock', `it is ${now.toISOString()}, and nothing is dated later`)
}

const fix =
  'Set the clock (timedatectl set-ntp true, on each machine that writes there). A snapshot of the future counts as no backup until its time has come.'
