import { hasFailed, type TargetStatus } from './status.ts'

/** The state of a target in a word or two. */
export interface State {
  word: 'broken' | 'damaged' | 'never backed up' | 'too old' | 'failed' | 'ok'
  /** Whether the newest backup is there, whole and young enough, and the last run completed. */
  isGood: boolean
}

export function stateOf(target: TargetStatus): State {
  const { method, rpoMet, lastSuccess, damaged } = target
  if (method === null) return { word: 'broken', isGood: false }
  if (damaged !== null) return { word: 'damaged', isGood: false }
  if (lastSuccess === null) return { word: 'never backed up', isGood: rpoMet === true && !hasFailed(target) }
  if (rpoMet !== true) return { word: 'too old', isGood: false }
  return hasFailed(target) ? { word: 'failed', isGood: false } : { word: 'ok', isGood: true }
}
