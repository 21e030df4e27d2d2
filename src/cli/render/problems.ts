import type { Problem } from '../../plan/plan.ts'
import { paint, type TextStyle } from './text-style.ts'

/** One line for each problem; empty without any. */
export function renderProblems(problems: Problem[], style: TextStyle): string {
  return problems.map((problem) => `${paint(style, 'red', 'problem:')} ${describeProblem(problem)}\n`).join('')
}

/** A problem in one line: container, label, value, reason and suggestion. */
export function describeProblem({ container, label, value, reason, suggestion }: Problem): string {
  const where = label === '' ? container : `${container}: ${label}${value === '' ? '' : `=${value}`}`
  return `${where}: ${reason}${suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`}`
}
