import type { Prepared } from '../../repository/repository.ts'
import type { QuiesceOrder } from '../quiesce.ts'

/** What a run says of itself while it reads the data of a target. `prepared`: its `isWhole` says that there is a copy from before the stop. */
export function capturePhase(orders: Pick<QuiesceOrder, 'how'>[], prepared: Prepared | undefined): string {
  if (orders.length === 0) return 'copying'
  const held = orders.some(({ how }) => how === 'stop') ? 'stopped' : 'paused'
  return `${held}, ${prepared?.isWhole ? 'copying the rest' : 'copying'}`
}

/** What a run says of itself while it makes a snapshot of what it has read: a copy of a tree is still to be packed. */
export const publishPhase = (prepared: Prepared | undefined): string => (prepared?.isWhole ? 'packing' : 'finishing')
