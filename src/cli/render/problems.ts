import type { Problem } from '../../plan/plan.ts'
import { describeProblem } from '../look-around.ts'
import { type Look, paint } from './look.ts'

/** One line a problem; empty without any. */
export function renderProblems(problems: Problem[], look: Look): string {
  return problems.map((problem) => `${paint(look, 'red', 'problem:')} ${describeProblem(problem)}\n`).join('')
}
