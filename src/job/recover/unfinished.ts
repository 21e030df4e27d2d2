import type { Intent, Orphan } from '../../catalog/catalog.ts'
import type { Target } from '../../plan/plan.ts'

/** Whether an intent would start what MUST stay down. It waits for the end of the roll back, after which it is carried out. */
export const isKeptDown = (orphans: Orphan[], other: Intent): boolean =>
  orphans.some(({ intent }) => keepsDown(intent, other))

/** Whether `intent` is a roll back that keeps down what `other` would start. */
export const keepsDown = (intent: Intent, other: Intent): boolean =>
  intent.kind === 'roll-back' &&
  other.kind === 'resume' &&
  other.how !== 'stop' &&
  intent.keepsDown?.includes(other.container.name) === true

/** The names of the containers that serve the data of a target, or change it: they stay down while it is between two states. */
export const keptDown = ({ container, clients, writers }: Target): string[] => [
  ...new Set([container, ...clients, ...writers].map(({ name }) => name)),
]

/** What an operator can do about it. */
export const wayOut = (target: string): string =>
  `It is tried again by every pass and command, whose message says what is in the way. Or restore another snapshot, which takes its place: xnai-backup restore ${target} --at ID.`
