import { targetKey } from '../plan/plan.ts'

/** `project/name` of the target that a result, a snapshot or a row of a report is about: they call its name `target`. */
export const targetKeyOf = ({ project, target }: { project: string; target: string }): string =>
  targetKey({ project, name: target })
