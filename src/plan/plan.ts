import type { ContainerFacts } from '../engine/engine.ts'
import type { LabelProblem, Quiesce, RetentionPolicy, Schedule, TargetSpec } from '../labels/spec.ts'

/** The desired state. Every pass makes it anew from labels, inspect facts and settings. */
export interface Plan {
  targets: Target[]
  broken: BrokenTarget[]
  /** All problems, including those of broken targets. */
  problems: Problem[]
}

/**
 * By target key, the container paths that a restore replaces. Its plan is made for them in place of those that the labels name today,
 * because other containers may write them.
 */
export type ReplacedPaths = ReadonlyMap<string, string[]>

/** One thing to back up, with every default applied. */
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
  /** A proof that is older is outdated. */
  drillMaxAgeSeconds: number
  /**
   * The container paths that are captured, or replaced by a restore, sorted; none lies within another. Empty for methods that dump.
   */
  paths: string[]
  quiesce: Quiesce
  /** Running containers that a capture stops or pauses, dependents first. They are started in reverse order. */
  quiesced: ContainerFacts[]
  /**
   * Running containers that can write the captured data or belong to its group, dependents first. They are down while the data is
   * replaced.
   */
  writers: ContainerFacts[]
  /**
   * Containers in any state that can write the captured data, or that end with one that can. A run locks all of them, because another
   * run or the user may start one that does not run now.
   */
  touched: ContainerFacts[]
  /**
   * Containers that run and cannot be inspected, so that they may be writers. A capture cannot hold them and says so; a restore is
   * refused.
   */
  unknownWriters: ContainerFacts[]
  /**
   * Containers that are kept down while this target is restored, dependents first, running or not. Its own container is never
   * among them.
   */
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

/** The settings of the configuration that apply to targets. */
export interface PlanSettings {
  /** The compose project whose containers are planned. Default: every project. */
  project?: string
  schedule: Schedule
  drill: Schedule | 'off'
  timezone: string
  rpoSeconds: number
  rtoSeconds: number
  /** Default: `defaultDrillMaxAgeSeconds`. */
  drillMaxAgeSeconds?: number
  retention: { local: RetentionPolicy; remote: RetentionPolicy }
  /** Whether labels that a container has from its image count. Default: `ignore`. */
  imageLabels?: 'ignore' | 'use'
  /** Id of the controller's own container. No run ever holds a controller. */
  selfId?: string
}

export const defaultDrillMaxAgeSeconds = 14 * 86_400

/** The project of containers that compose did not make. */
export const standaloneProject = 'standalone'

/** The name by which users address a target across projects. */
export const targetKey = (target: { project: string; name: string }): string => `${target.project}/${target.name}`

/** The same of what a run, a snapshot, an intent or a row of a report is about: they call its name `target`. */
export const targetKeyOf = ({ project, target }: { project: string; target: string }): string =>
  targetKey({ project, name: target })

/** The key of a quiesce window: targets of one group share it, every other target has its own. */
export const groupKey = (target: { project: string; name: string; spec: { group?: string } }): string =>
  target.spec.group === undefined ? `target ${targetKey(target)}` : `group ${target.project}/${target.spec.group}`
