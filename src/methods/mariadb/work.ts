/** What a run loads of this method: see `MethodWork`. */
export { capture } from './capture.ts'
export { preflight } from './preflight.ts'
export { prove } from './prove.ts'
export { restore, undo } from './restore.ts'
