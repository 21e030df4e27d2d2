import type { ContainerFacts } from '../../engine/engine.ts'
import { inChild } from '../../lib/child/in-child.ts'
import { ownFile } from '../../lib/own-files.ts'
import type { Evidence } from '../../recipes/evidence.ts'
import { dataMounts } from '../../recipes/mounts.ts'
import type { Parts } from '../job.ts'
import type { Sight } from './look.ts'

/** A mount that does not answer for so long is one that cannot be looked into. */
const patience = { silenceMs: 20_000, graceMs: 1000, killedMs: 1000 }

const lookInto = inChild<typeof import('./look.ts').lookInto>(ownFile('job/evidence/look.ts'), 'lookInto', patience)

/** Looks into the writable mounts of containers, one container after the other. What cannot be reached is named as unseen. */
export async function gatherEvidence(
  { ownPath }: Pick<Parts, 'ownPath'>,
  containers: readonly ContainerFacts[],
  signal: AbortSignal,
): Promise<Map<string, Evidence>> {
  const gathered = new Map<string, Evidence>()
  for (const container of containers) gathered.set(container.id, await lookIntoOne(container, ownPath, signal))
  return gathered
}

async function lookIntoOne(
  container: ContainerFacts,
  ownPath: Parts['ownPath'],
  signal: AbortSignal,
): Promise<Evidence> {
  const { data } = dataMounts(container)
  const seen = data.flatMap(({ source, destination }): Sight[] => {
    const root = ownPath(source)
    return root === undefined ? [] : [{ destination, root }]
  })
  const hidden = data
    .map(({ destination }) => destination)
    .filter((one) => seen.every((each) => each.destination !== one))
  if (seen.length === 0) return { servers: [], databases: [], indexes: [], unseen: hidden }
  try {
    const evidence = await lookInto(seen, signal)
    return { ...evidence, unseen: [...evidence.unseen, ...hidden] }
  } catch {
    signal.throwIfAborted()
    return { servers: [], databases: [], indexes: [], unseen: data.map(({ destination }) => destination) }
  }
}
