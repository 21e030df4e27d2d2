import type { ScratchThing } from '../engine/engine.ts'
import { readScratchOwner, type ScratchOwner } from '../labels/scratch.ts'
import type { Parts } from './job.ts'

/** Containers come first: they use the others. */
const order: ScratchThing['kind'][] = ['container', 'network', 'volume']

/** Removes everything that a drill has made. It may be repeated. */
export async function endDrill(
  parts: Pick<Parts, 'engine' | 'catalog'>,
  run: string,
  signal: AbortSignal,
): Promise<void> {
  await removeWhere(parts, (owner) => owner.run === run && owner.state === parts.catalog.state, signal)
}

/**
 * Removes what drills of dead processes have left and no intent names: the engine may end a request of a process that has died. What
 * another state directory made is left alone until its time is over.
 */
export async function sweepScratch(
  parts: Pick<Parts, 'engine' | 'catalog' | 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  const { catalog, clock } = parts
  const isLeft = ({ run, state, until }: ScratchOwner) =>
    state === catalog.state
      ? !catalog.holders().some((holder) => holder.run === run)
      : Date.parse(until) < clock.now().getTime()
  await removeWhere(parts, isLeft, signal)
}

async function removeWhere(
  { engine }: Pick<Parts, 'engine'>,
  isMeant: (owner: ScratchOwner) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const things = (await engine.listScratch(signal)).filter((thing) => {
    const owner = readScratchOwner(thing)
    return owner !== undefined && isMeant(owner)
  })
  for (const kind of order) {
    for (const thing of things.filter((one) => one.kind === kind)) await engine.removeScratch(thing, signal)
  }
}
