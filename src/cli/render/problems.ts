import type { Problem } from '../../plan/plan.ts'
import { type Look, paint } from './look.ts'

/** One line a problem; empty without any. */
export function renderProblems(problems: Problem[], look: Look): string {
  return problems.map((problem) => `${paint(look, 'red', 'problem:')} ${describeProblem(problem)}\n`).join('')
}

/** One line: container, label, value, reason, suggestion. */
export function describeProblem({ container, label, value, reason, suggestion }: Problem): string {
  const where = label === '' ? container : `${container}: ${label}${value === '' ? '' : `=${value}`}`
  return `${where}: ${reason}${suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`}`
}
