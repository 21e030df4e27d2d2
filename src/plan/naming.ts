import type { ContainerFacts } from '../engine/engine.ts'
import { targetName } from '../labels/names.ts'
import type { LabelProblem, TargetSpec } from '../labels/spec.ts'
import { labelProblem } from './problems.ts'
import { projectOf } from './scope.ts'

/** A target that was decoded and named, before it is checked against mounts and other targets. */
export interface Draft {
  container: ContainerFacts
  name: string
  /** Absent where the labels could not be decoded. */
  spec?: TargetSpec
  problems: LabelProblem[]
}

/** The decoded labels of one target, or their problems. */
type Decoded = TargetSpec | { name?: string; problems: LabelProblem[] }

/** Names a target by its label, else by its compose service, else by its container. A name that is not valid is a problem. */
export function nameTarget(container: ContainerFacts, decoded: Decoded): Draft {
  const own = container.service ?? container.name
  const name = decoded.name ?? own
  const carried = 'problems' in decoded ? { problems: decoded.problems } : { spec: decoded, problems: [] }
  const parsed = targetName.parse(own)
  if (decoded.name !== undefined || 'value' in parsed) return { container, name, ...carried }
  const reason = `"${own}" cannot name the target: ${parsed.reason}`
  const problem = labelProblem(container, own, 'name', { reason, suggestion: parsed.suggestion })
  return { container, name, ...carried, problems: [...carried.problems, problem] }
}

/** Breaks all targets that share a name in one project, because none of them is the right one. */
export function markTwins(drafts: Draft[]): Draft[] {
  return drafts.map((draft) => {
    const twins = drafts.filter((other) => sameName(other, draft))
    if (twins.length === 1) return draft
    return { ...draft, problems: [...draft.problems, twinProblem(draft, twins)] }
  })
}

const sameName = (one: Draft, other: Draft): boolean =>
  one.name === other.name && projectOf(one.container) === projectOf(other.container)

function twinProblem({ container, name }: Draft, twins: Draft[]): LabelProblem {
  const holders = [...new Set(twins.map((twin) => twin.container.name))]
  const others = twins.filter((twin) => twin.container.id !== container.id).map((twin) => twin.container)
  if (others.some(({ service }) => service !== undefined && service === container.service)) {
    const reason = `${holders.join(' and ')} are replicas of one service: a target is one container; scale the service to 1, or label a service that runs once`
    return labelProblem(container, name, 'name', { reason })
  }
  const owners = holders.length === 1 ? `${holders[0]} has two targets` : `${holders.join(' and ')} have targets`
  const reason = `${owners} named ${name} in project ${projectOf(container)}`
  const suggestion = [container.service, container.name].find(
    (other) => other !== undefined && other !== name && 'value' in targetName.parse(other),
  )
  return labelProblem(container, name, 'name', { reason, suggestion })
}
