import type { Problem } from '../../plan/plan.ts'
import { renderLine } from './line.ts'
import type { TextStyle } from './text-style.ts'

/** A sentence for each problem, and one on what to do where it is known; empty without any. */
export const renderProblems = (problems: Problem[], style: TextStyle): string =>
  problems
    .map((problem) => renderLine('problem', 'red', describeProblem(problem), style) + renderHint(problem, style))
    .join('')

const renderHint = ({ hint }: Problem, style: TextStyle): string =>
  hint === undefined ? '' : renderLine('hint', 'bold', hint, style)

/** A problem as a sentence: container, label, value, reason and suggestion. */
export function describeProblem({ container, label, value, reason, suggestion }: Problem): string {
  const where = label === '' ? container : `${container}: ${label}${value === '' ? '' : `=${value}`}`
  return `${where}: ${reason}${suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`}`
}
