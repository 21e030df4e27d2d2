import type { ContainerFacts } from '../engine/engine.ts'
import { errorTable } from '../errors.ts'
import { decodeLabels } from '../labels/decode.ts'
import type { LabelProblem, MethodKind, Quiesce, TargetSpec } from '../labels/spec.ts'
import type { Method } from '../methods/method.ts'
import { findClients } from './clients.ts'
import { explainImageLabels, type ImageLabels, withoutImageLabels } from './image-labels.ts'
import { type Draft, markTwins, nameTarget } from './naming.ts'
import { explainNothing, locatePaths, locateReplaced } from './paths.ts'
import {
  type BrokenTarget,
  defaultDrillMaxAgeSeconds,
  type Plan,
  type PlanSettings,
  type ReplacedPaths,
  type Target,
  targetKey,
} from './plan.ts'
import { labelProblem, placeProblem } from './problems.ts'
import { findQuiesced } from './quiesced.ts'
import { explainRemoval } from './removed.ts'
import { inScope, isController, projectOf, withoutScratch } from './scope.ts'
import { type Dependencies, readDependencies, sortContainers } from './stop-order.ts'
import { explainUnreadable, findUnknownWriters, listUnreadable } from './unreadable.ts'
import { explainVariables } from './variables.ts'

/** The part of each method that planning uses. A method that is absent cannot be used by a target. */
export type MethodPlans = { [K in MethodKind]?: Pick<Method<K>, 'needsRunning' | 'paths'> }

/**
 * Makes the desired state. A problem breaks its own target only. The order of the given containers does not matter. `images`: labels
 * that a container has from there do not count. `replaced`: the paths of targets that are about to be restored.
 */
export function makePlan(
  all: ContainerFacts[],
  settings: PlanSettings,
  methods: MethodPlans,
  images: ImageLabels = new Map(),
  replaced: ReplacedPaths = new Map(),
): Plan {
  const containers = withoutScratch(all)
  const sorted = sortContainers(containers).map((container) => withoutImageLabels(container, images))
  const world: World = { containers: sorted, settings, methods, replaced, dependencies: readDependencies(sorted) }
  const scope = inScope(sorted, settings)
  const labelled = scope.map((container) => ({ container, ...decodeLabels(container.labels) }))
  const drafts = labelled.flatMap(({ container, targets, broken }) =>
    [...targets, ...broken].map((decoded) => nameTarget(container, decoded)),
  )
  const planned = markTwins(drafts).map((draft) => planTarget(draft, world))
  const broken = planned.filter((one) => one.kind === 'broken')
  const general = labelled.flatMap(({ container, problems }) =>
    problems.map((problem) => placeProblem(container, problem)),
  )
  const foreign = inScope(containers, settings).flatMap((container) => explainImageLabels(container, images))
  const told = drafts.map(({ container }) => container)
  return {
    targets: planned.filter((one) => one.kind === 'ready'),
    broken,
    problems: [
      ...general,
      ...foreign,
      ...listUnreadable(sorted, scope, told),
      ...broken.flatMap(({ problems }) => problems),
    ],
  }
}

interface World {
  containers: ContainerFacts[]
  settings: PlanSettings
  methods: MethodPlans
  replaced: ReplacedPaths
  dependencies: Dependencies
}

function planTarget(draft: Draft, world: World): Target | BrokenTarget {
  const { container, name, spec } = draft
  const unreadable = explainUnreadable(container)
  if (unreadable) return breakTarget(draft, [...draft.problems, unreadable])
  if (!spec) return breakTarget(draft, draft.problems)
  const method: Pick<Method, 'needsRunning' | 'paths'> | undefined = world.methods[spec.method]
  if (!method) return breakTarget(draft, [...draft.problems, explainMethod(draft, spec)])

  const named = method.paths(spec, container)
  const replaced = named.length > 0 ? world.replaced.get(targetKey({ project: projectOf(container), name })) : undefined
  const { captured, problems: lost } = replaced
    ? { captured: locateReplaced(container, replaced), problems: [] }
    : locatePaths(container, name, named)
  const request = { container, target: name, services: spec.clients }
  const { clients, problems: unknown } = findClients(world.containers, world.dependencies, request)
  const target = withDefaults(container, name, spec, world.settings)
  const idle = !replaced && captured.length + lost.length === 0 ? explainNoPath(target) : []
  const unset = explainVariables(container, name, spec)
  const problems = [...draft.problems, ...lost, ...unknown, ...idle, ...unset]
  if (problems.length > 0) return breakTarget(draft, problems)

  const { quiesce, group } = spec
  const mayBeHeld = (one: ContainerFacts) => !isController(one, world.settings)
  const find = (how: Quiesce, inAnyState = false) => {
    const { needsRunning } = method
    const request = { container, quiesce: how, group, needsRunning, captured, inAnyState }
    return world.dependencies.inStopOrder(findQuiesced(world.containers.filter(mayBeHeld), request))
  }
  const quiesced = find(quiesce)
  const removed = explainRemoval(container, name, spec, quiesced)
  if (removed.length > 0) return breakTarget(draft, removed)
  // Files that are captured without a stop are restored without one too. A method that dumps controls its server itself.
  const holdsWriters = spec.method !== 'files' || quiesce !== 'none'
  const writers = find(holdsWriters ? 'stop' : 'none')
  return {
    ...target,
    paths: captured.map(({ path }) => path),
    quiesced,
    touched: find(quiesce, true),
    writers,
    unknownWriters: holdsWriters && captured.length > 0 ? findUnknownWriters(world.containers.filter(mayBeHeld)) : [],
    clients: clients.filter(mayBeHeld),
  }
}

function withDefaults(container: ContainerFacts, name: string, spec: TargetSpec, settings: PlanSettings) {
  return {
    kind: 'ready' as const,
    project: projectOf(container),
    name,
    container,
    spec,
    schedule: spec.schedule ?? settings.schedule,
    timezone: spec.timezone ?? settings.timezone,
    retention: {
      local: spec.retentionLocal ?? settings.retention.local,
      remote: spec.retentionRemote ?? settings.retention.remote,
    },
    rpoSeconds: spec.rpoSeconds ?? settings.rpoSeconds,
    rtoSeconds: spec.rtoSeconds ?? settings.rtoSeconds,
    drill: spec.drill ?? settings.drill,
    drillMaxAgeSeconds: spec.drillMaxAgeSeconds ?? settings.drillMaxAgeSeconds ?? defaultDrillMaxAgeSeconds,
    quiesce: spec.quiesce,
  }
}

/** A method that dumps needs no path, unless the schedule of its target watches paths. */
function explainNoPath({ container, name, spec, schedule }: ReturnType<typeof withDefaults>): LabelProblem[] {
  if (spec.method === 'files') return [explainNothing(container, name)]
  if (schedule.kind !== 'on-change') return []
  const reason = `on-change watches files, and the method ${spec.method} captures none`
  return [labelProblem(container, name, 'schedule', { reason, suggestion: '@daily' })]
}

function explainMethod({ container, name }: Draft, { method }: TargetSpec): LabelProblem {
  return labelProblem(container, name, 'method', { value: method, reason: errorTable.METHOD_UNAVAILABLE })
}

function breakTarget({ container, name }: Draft, problems: LabelProblem[]): BrokenTarget {
  const placed = problems.map((problem) => placeProblem(container, problem, name))
  return { kind: 'broken', project: projectOf(container), name, container: container.name, problems: placed }
}
