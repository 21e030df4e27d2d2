import type { ContainerFacts } from '../engine/engine.ts'
import type { LabelProblem, Quiesce, RetentionPolicy, Schedule, TargetSpec } from '../labels/spec.ts'

/** The desired state, made anew from labels, inspect facts and settings in every pass. */
export interface Plan {
  targets: Target[]
  broken: BrokenTarget[]
  /** All problems, those of broken targets included. */
  problems: Problem[]
}

/** One thing to back up, with every default filled in. */
export interface Target {
  kind: 'ready'
  project: string
  name: string
  container: ContainerFacts
  spec: TargetSpec
  schedule: Schedule
  timezone: string
  retention: { local: RetentionPolicy; remote: RetentionPolicy }
  rpoSeconds: number
  rtoSeconds: number
  drill: Schedule | 'off'
  /** Container paths that are captured, outermost only, sorted. Empty for methods that dump. */
  paths: string[]
  quiesce: Quiesce
  /** Running containers that a capture stops or pauses, in stop order: dependents before what they depend on. Started in reverse. */
  quiesced: ContainerFacts[]
  /** Running containers that can write the captured data or belong to its group, in stop order: down while it is replaced. */
  writers: ContainerFacts[]
  /** Containers kept down while this target is restored, in stop order, running or not; never its own. */
  clients: ContainerFacts[]
}

/** A target that cannot be worked on until its labels are mended. */
export interface BrokenTarget {
  kind: 'broken'
  project: string
  name: string
  container: string
  problems: Problem[]
}

export interface Problem extends LabelProblem {
  project: string
  container: string
  target?: string
}

/** What the configuration says about targets: contract, section 3. */
export interface PlanSettings {
  /** Only containers of this compose project; absent: every project. */
  project?: string
  schedule: Schedule
  drill: Schedule | 'off'
  timezone: string
  rpoSeconds: number
  rtoSeconds: number
  retention: { local: RetentionPolicy; remote: RetentionPolicy }
  /** The controller's own container: never quiesced, never a client. */
  selfId?: string
}

/** Project of containers that no compose made. */
export const standaloneProject = 'standalone'

/** Name by which users address a target across projects. */
export const targetKey = (target: { project: string; name: string }): string => `${target.project}/${target.name}`

/** Equal for the targets of one quiesce window: those of a group, else each its own. */
export const groupKey = (target: { project: string; name: string; spec: { group?: string } }): string =>
  target.spec.group === undefined ? `target ${targetKey(target)}` : `group ${target.project}/${target.spec.group}`
