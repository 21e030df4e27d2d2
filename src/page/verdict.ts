import { formatSeconds } from '../lib/format.ts'
import { stateOf } from '../report/state.ts'
import type { StatusReport, TargetStatus } from '../report/status.ts'
import type { Tone } from './words.ts'

/** The first sentence of the page, and what has to be said with it. */
export interface Verdict {
  tone: Tone
  headline: string
  details: string[]
}

/**
 * Says whether every service could be brought back now. A backup alone is no proof: only a drill that passed, within its objective, is one.
 * `failures`: passes in a row that could not see the stack.
 */
export function judgeAll({ targets, repositories }: StatusReport, failures: number): Verdict {
  const count = targets.length
  if (failures > 0) return { tone: 'bad', headline: 'The container engine does not answer', details: [stale] }
  if (count === 0) return { tone: 'bad', headline: 'Nothing is backed up', details: [noTarget] }
  const away = repositories.filter(({ ok }) => !ok).map(({ tier }) => `The ${tier} repository cannot be read.`)
  const bad = targets.filter((target) => !stateOf(target).isGood)
  const tooSlow = targets.filter((target) => stateOf(target).isGood && target.rtoMet === false)
  const proven = targets.filter(isProven)
  const failing = [...bad.map(explainState), ...tooSlow.map(explainDrill)]
  const proof = proven.length > 0 ? [`Slowest proven restore: ${slowest(proven)}.`] : []
  if (failing.length > 0 || away.length > 0)
    return {
      tone: 'bad',
      headline: restorable(count - failing.length, count, proven.length),
      details: [...away, ...failing, ...proof],
    }
  if (proven.length === count)
    return {
      tone: 'good',
      headline: `${count} of ${count} services could be restored now; slowest ${slowest(proven)}`,
      details: [],
    }
  const unproven =
    proven.length === 0
      ? 'No restore has been proven by a drill yet.'
      : `${count - proven.length} of ${count} restores have not been proven by a drill yet.`
  return { tone: 'open', headline: restorable(count, count, proven.length), details: [unproven, ...proof] }
}

const stale = 'What is shown of the services is what the last pass that saw them has found.'
const noTarget = 'No container carries the label xnai.backup.enable=true.'

/** Whether the newest drill has verified a snapshot within the objective. One with a problem, such as an outdated proof, does not count. */
const isProven = (target: TargetStatus): boolean =>
  stateOf(target).isGood && target.rtoMet === true && target.problems.length === 0

const restorable = (good: number, count: number, proven: number): string =>
  proven > 0 && proven === good
    ? `${good} of ${count} services could be restored now`
    : `${good} of ${count} services have a good backup`

const slowest = (proven: TargetStatus[]): string =>
  formatSeconds(Math.max(...proven.map(({ drillSeconds }) => drillSeconds ?? 0)))

const explainState = (target: TargetStatus): string => `${target.target}: ${stateOf(target).word}.`
const explainDrill = ({ target }: TargetStatus): string => `${target}: the last restore drill failed, or took too long.`
