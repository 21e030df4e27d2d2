import { freeBytes } from '../../lib/free-space.ts'
import { observeRepositories } from '../../report/observe.ts'
import { reportRoom } from '../../report/room.ts'
import { bad, type Check, type Diagnosis, orGood } from '../check.ts'

/** The catalog grows by kilobytes a run, and SQLite needs room for its log. */
const leastStateBytes = 64 * 1024 * 1024

/** Whether two more backups of everything have room, and the catalog. */
export const checkSpace: Check = async ({ parts, state, stack, signal }) => {
  const found: Diagnosis[] = []
  const free = await freeBytes(state)
  if (free < leastStateBytes)
    found.push(
      bad(
        'space',
        `${state}: ${free} bytes are free for the state`,
        'Make room there, or set `state` to a folder of a larger file system.',
      ),
    )
  if (stack instanceof Error) return found
  for (const repository of await observeRepositories(parts, signal))
    for (const { message, hint } of reportRoom(stack.plan, repository)) found.push(bad('space', message, hint))
  return orGood(found, 'space', 'there is room for two more backups of every target, and for the state')
}
