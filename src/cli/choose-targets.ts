import { BackupError } from '../errors.ts'
import { nearest } from '../labels/nearest.ts'
import { type BrokenTarget, type Plan, type Target, targetKey } from '../plan/plan.ts'
import type { TargetId } from '../repository/repository.ts'
import { describeProblem } from './render/problems.ts'

interface Named {
  project: string
  name: string
}

/** A target that is known by its snapshots. Its labels may be gone. */
export interface StoredTarget extends Named {
  kind: 'stored'
}

/** All targets of the plan; those with broken labels come last. */
export const allTargets = ({ targets, broken }: Plan): (Target | BrokenTarget)[] => [...targets, ...broken]

/** All targets of the plan. Throws NO_SUCH_TARGET when there is none, because `--all` of an empty stack is no success. */
export function everyTarget(plan: Plan): (Target | BrokenTarget)[] {
  const targets = allTargets(plan)
  if (targets.length > 0) return targets
  throw new BackupError('NO_SUCH_TARGET', 'no container carries xnai.backup.enable=true', {
    hint: 'Label a service and create its container again; is `project` the right compose project?',
  })
}

/** The targets that snapshots belong to, each once. */
export const storedTargets = (snapshots: TargetId[]): StoredTarget[] =>
  uniteTargets(snapshots.map(({ project, target }) => ({ kind: 'stored', project, name: target })))

/** Joins lists of targets and drops duplicates: the first of each name is kept. */
export function uniteTargets<T extends Named>(...sources: (readonly T[])[]): T[] {
  const united = new Map<string, T>()
  for (const item of sources.flat()) if (!united.has(targetKey(item))) united.set(targetKey(item), item)
  return [...united.values()]
}

/** Throws USAGE unless either names or `--all` are given: a command without either must not mean everything. */
export function requireTargets(names: string[], all: boolean): void {
  if (names.length === 0 && !all) throw new BackupError('USAGE', 'name a target, or --all for every target')
  if (names.length > 0 && all) throw new BackupError('USAGE', '--all and the name of a target exclude each other')
}

/**
 * The candidates that TARGET arguments (`name` or `project/name`) mean, each once, in the order of the arguments. Throws
 * NO_SUCH_TARGET for an unknown name and USAGE for a name that several projects have.
 */
export function chooseTargets<T extends Named>(candidates: readonly T[], names: readonly string[]): T[] {
  return [...new Set(names.map((name) => chooseTarget(candidates, name)))]
}

function chooseTarget<T extends Named>(candidates: readonly T[], name: string): T {
  const matches = candidates.filter((candidate) => candidate.name === name || targetKey(candidate) === name)
  const [first] = matches
  if (first && matches.length === 1) return first
  if (first) {
    const keys = matches.map(targetKey)
    throw new BackupError('USAGE', `${name} is the name of several targets: ${keys.join(', ')}`, {
      hint: `Name the project too, for example ${keys[0]}.`,
    })
  }
  throw new BackupError('NO_SUCH_TARGET', `there is no target ${name}`, suggest(candidates, name))
}

function suggest(candidates: readonly Named[], name: string): { hint?: string } {
  if (candidates.length === 0) {
    return { hint: 'No target was found at all. Label a service with xnai.backup.enable=true and create it again.' }
  }
  const spellings = candidates.map((candidate) => (name.includes('/') ? targetKey(candidate) : candidate.name))
  const near = nearest(name, spellings)
  return near === undefined ? {} : { hint: `Did you mean ${near}? xnai-backup plan shows all targets.` }
}

/** The error for a target that cannot be worked on until its labels are mended. */
export const brokenError = (broken: BrokenTarget): BackupError =>
  new BackupError('TARGET_BROKEN', `${targetKey(broken)} is broken: ${broken.problems.map(describeProblem).join('; ')}`)
