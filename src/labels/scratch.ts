/** The label of everything that a drill makes. Its value is the id of the drill's run. A plan ignores what has it. */
export const scratchLabel = 'xnai.backup.scratch'

const stateLabel = `${scratchLabel}.state`
const untilLabel = `${scratchLabel}.until`
const namePrefix = 'xnai-scratch-'

export type Labels = Readonly<Record<string, string>>

/** What the labels of a scratch thing say: the run that made it, its state directory, and when it is to be gone (ISO 8601 UTC). */
export interface ScratchOwner {
  run: string
  state: string
  until: string
}

export const scratchLabels = ({ run, state, until }: ScratchOwner): Record<string, string> => ({
  [scratchLabel]: run,
  [stateLabel]: state,
  [untilLabel]: until,
})

/** The name of a scratch thing. It is unique, because runs are, and is never that of a service. */
export const scratchName = (run: string, part: string): string => `${namePrefix}${run.toLowerCase()}-${part}`

/** Reads who owns a thing. Undefined where labels or name do not say that a drill made it: nobody may remove it then. */
export function readScratchOwner({ name, labels }: { name: string; labels: Labels }): ScratchOwner | undefined {
  const { [scratchLabel]: run, [stateLabel]: state, [untilLabel]: until } = labels
  if (run === undefined || state === undefined || until === undefined) return undefined
  return name.startsWith(scratchName(run, '')) ? { run, state, until } : undefined
}
